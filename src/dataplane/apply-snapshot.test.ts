import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { VerifiedSnapshot } from '../cluster/control-client.ts'
import { z } from 'zod'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { systemClock } from '../lib/clock.ts'
import { openLog } from '../lib/log.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { keepPools } from '../proxy/keep-pools.ts'
import { definePlugin } from '../proxy/plugin.ts'
import type { Program } from '../proxy/program.ts'
import { snapshotOf, type SnapshotItem } from '../schema/snapshot.ts'
import { openKeyring } from '../secrets/keyring.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../snapshot/seal-snapshot.ts'
import type { ApplyContext } from './apply-snapshot.ts'
import { openDataPlane } from './open-data-plane.ts'
import { openSnapshotCache } from './snapshot-cache.ts'

const empty = snapshotOf({})
const key = generateSealKey()
const publicKey = publicKeyOf(key)
const received = (revision: number, snapshot = empty): VerifiedSnapshot => ({
  snapshot,
  seal: sealRoot(snapshot, revision, key),
  publicKey,
})
const withUnknownPlugin = snapshotOf({
  plugins: [
    {
      id: 'p',
      name: 'no-such-plugin',
      workspace: 'w',
      config: {},
    } as unknown as SnapshotItem<'plugins'>,
  ],
})
const keyring = openKeyring({ id: 'test', bytes: randomBytes(32), source: 'test' })
const cipher = keyring.openDataKey(keyring.makeDataKey())

/** A data plane over real files, with a log and the revisions that it ran. */
function openTestDataPlane(changed: Partial<ApplyContext> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'weir-dataplane-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const lines: Record<string, unknown>[] = []
  const log = openLog(
    'test',
    (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  )
  const revisions: number[] = []
  const open = () =>
    openDataPlane({
      secrets: { fill: async (snapshot) => ({ snapshot, withheld: RadixMap.empty() }) },
      tools: {
        catalog: [],
        counters: { take: () => ({ admitted: true, counts: [] }) },
        clock: systemClock,
      },
      swap: ({ revision }: Program) => void revisions.push(revision),
      log,
      ...changed,
      cache: openSnapshotCache(directory, cipher, log),
    })
  const logged = (message: string) => lines.filter((line) => line['message'] === message)
  return { directory, open, dataPlane: open(), revisions, logged }
}

const withService = snapshotOf({
  services: [{ id: 's', workspace: 'w' } as unknown as SnapshotItem<'services'>],
})
const forged: readonly (readonly [string, (of: VerifiedSnapshot) => VerifiedSnapshot])[] = [
  ['another revision', (of) => ({ ...of, seal: { ...of.seal, revision: 6 } })],
  ['another snapshot', (of) => ({ ...of, snapshot: withService })],
  ['another root', (of) => ({ ...of, seal: { ...of.seal, root: 'AAAA' } })],
  ['another signature', (of) => ({ ...of, seal: { ...of.seal, signature: 'AAAA' } })],
  ['another key', (of) => ({ ...of, publicKey: publicKeyOf(generateSealKey()) })],
]

test.each(forged)('rejects a snapshot with %s, and keeps the running program', async (_, forge) => {
  const { dataPlane, revisions, logged } = openTestDataPlane()
  dataPlane.receive(received(4))
  await expect.poll(() => revisions).toEqual([4])
  dataPlane.receive(forge(received(5)))
  await expect.poll(() => dataPlane.rejection()?.refusal).toMatch(/^verify: .*seal/)
  expect(revisions).toEqual([4])
  expect(logged('dataplane: snapshot rejected')).toMatchObject([
    { level: 'error', step: 'verify', error: { stack: expect.stringContaining('seal') } },
  ])
})

test('reports the failed step until another snapshot is applied', async () => {
  const { dataPlane, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  dataPlane.receive(received(2, withUnknownPlugin))
  await expect
    .poll(() => dataPlane.rejection())
    .toEqual({ refusedRevision: 2, refusal: expect.stringMatching(/^compile: .*no-such-plugin/) })
  dataPlane.receive(received(3))
  await expect.poll(() => revisions).toEqual([1, 3])
  await expect.poll(() => dataPlane.rejection()).toBeUndefined()
})

test('rejects a snapshot whose references cannot be resolved or that cannot be swapped in', async () => {
  const fails = (reason: string) => () => {
    throw new Error(reason)
  }
  const unresolved = openTestDataPlane({ secrets: { fill: fails('vault broke') } })
  unresolved.dataPlane.receive(received(1))
  await expect.poll(() => unresolved.dataPlane.rejection()?.refusal).toMatch(/^resolve: .*vault/)
  const unswapped = openTestDataPlane({ swap: fails('proxy broke') })
  unswapped.dataPlane.receive(received(1))
  await expect.poll(() => unswapped.dataPlane.rejection()?.refusal).toMatch(/^swap: .*proxy/)
})

test('a program that cannot be swapped in leaves the plugins and health checks of the previous one', async () => {
  let open = 0
  const counted = definePlugin({
    name: 'counted',
    about: 'Counts how often it is open.',
    settings: z.object({ number: z.number() }),
    prepare() {
      open += 1
      return { close: () => void (open -= 1) }
    },
  })
  const pools = keepPools()
  const { dataPlane } = openTestDataPlane({
    tools: {
      catalog: [counted],
      counters: { take: () => ({ admitted: true, counts: [] }) },
      clock: systemClock,
      pools,
    },
    swap({ revision }) {
      if (revision === 2) throw new Error('proxy broke')
    },
  })
  const snapshot = (number: number) =>
    buildTestSnapshot({
      upstreams: [{ name: `u${number}`, targets: [] }],
      plugins: [{ name: 'counted', config: { number } }],
    })
  const state = () => [open, pools.health().map(({ upstream }) => upstream)]
  dataPlane.receive(received(1, snapshot(1)))
  await expect.poll(state).toEqual([1, ['u1']])
  dataPlane.receive(received(2, snapshot(2)))
  await expect.poll(() => dataPlane.rejection()?.refusal).toMatch(/^swap: .*proxy/)
  expect(state()).toEqual([1, ['u1']])
  dataPlane.receive(received(3, snapshot(3)))
  await expect.poll(() => pools.health()[0]?.upstream).toBe('u3')
})

test('applies a snapshot that cannot be cached on disk, and logs why', async () => {
  const { dataPlane, directory, revisions, logged } = openTestDataPlane()
  rmSync(directory, { recursive: true })
  writeFileSync(directory, '')
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  expect(dataPlane.rejection()).toBeUndefined()
  expect(logged('dataplane: snapshot not cached on disk')).toMatchObject([
    { revision: 1, error: { message: expect.stringContaining('ENOTDIR') } },
  ])
})

test('restores the last applied snapshot, and caches none that was rejected', async () => {
  const { dataPlane, directory, open, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  dataPlane.receive(received(2, withUnknownPlugin))
  await expect.poll(() => dataPlane.rejection()).toBeDefined()
  const [file = ''] = readdirSync(join(directory, 'snapshots'))
  expect(readFileSync(join(directory, 'snapshots', file), 'utf8')).not.toContain('"revision"')
  open().restore()
  await expect.poll(() => revisions).toEqual([1, 1])
})

test('does not restore an older snapshot once one was received', async () => {
  const { dataPlane, open, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  const next = open()
  next.receive(received(2))
  next.restore()
  await expect.poll(() => revisions).toEqual([1, 2])
  next.receive(received(3))
  await expect.poll(() => revisions).toEqual([1, 2, 3])
})

test('restores when the first received snapshot is rejected, and still reports the rejection', async () => {
  const { dataPlane, open, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  const next = open()
  next.receive(received(2, withUnknownPlugin))
  await expect.poll(() => revisions).toEqual([1, 1])
  expect(next.rejection()).toMatchObject({ refusedRevision: 2 })
  next.receive(received(3))
  await expect.poll(() => revisions).toEqual([1, 1, 3])
  await expect.poll(() => next.rejection()).toBeUndefined()
})

test('starts without a snapshot when the cached one cannot be read, and logs why', async () => {
  const { directory, open, logged } = openTestDataPlane()
  writeFileSync(join(directory, 'snapshots', '1-1'), 'garbage')
  const dataPlane = open()
  expect(await dataPlane.cached()).toBeUndefined()
  expect(logged('dataplane: cached snapshot cannot be read')).toMatchObject([
    { error: { stack: expect.any(String) } },
  ])
})

test('logs a plugin without its secret once, and again for another reason', async () => {
  let reason = 'it is missing'
  const { dataPlane, revisions, logged } = openTestDataPlane({
    secrets: {
      fill: async (snapshot) => ({ snapshot, withheld: RadixMap.from([['p', reason]]) }),
    },
  })
  for (const revision of [1, 2, 3]) {
    if (revision === 3) reason = 'it is too short'
    dataPlane.receive(received(revision))
    await expect.poll(() => revisions.at(-1)).toBe(revision)
  }
  expect(
    logged('dataplane: plugin rejects all requests until its secret is available').map(
      (line) => line['reason'],
    ),
  ).toEqual(['it is missing', 'it is too short'])
})

test('applies only the newest of the snapshots that arrive while one is applied', async () => {
  const { dataPlane, revisions } = openTestDataPlane()
  for (const revision of [1, 2, 3, 4]) dataPlane.receive(received(revision))
  await expect.poll(() => revisions).toEqual([1, 4])
})

test('does not apply the running snapshot again when a reconnect sends it', async () => {
  const { dataPlane, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  dataPlane.receive(received(1))
  dataPlane.receive(received(2))
  await expect.poll(() => revisions).toEqual([1, 2])
})

test('a secret that changes while a snapshot is applied does not restore the previous snapshot', async () => {
  const { dataPlane, revisions } = openTestDataPlane()
  dataPlane.receive(received(1))
  await expect.poll(() => revisions).toEqual([1])
  dataPlane.receive(received(2))
  dataPlane.reapply()
  await expect.poll(() => revisions).toEqual([1, 2, 2])
})
