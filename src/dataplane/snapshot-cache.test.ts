import { randomBytes, sign } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { VerifiedSnapshot } from '../cluster/control-client.ts'
import { runToCompletion } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { listsOf, snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'
import { openKeyring } from '../secrets/keyring.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../snapshot/seal-snapshot.ts'
import { snapshotRoot } from '../snapshot/snapshot-root.ts'
import { verifyLegacySteps, type LegacySnapshot } from './legacy-snapshot.ts'
import { openSnapshotCache } from './snapshot-cache.ts'
import { readSnapshotFile } from './snapshot-file.ts'

const key = generateSealKey()
const publicKey = publicKeyOf(key)
const keyring = openKeyring({ id: 'test', bytes: randomBytes(32), source: 'test' })
const cipher = keyring.openDataKey(keyring.makeDataKey())
/** Identities of processes that have ended. */
const ended = ['4194399-1', '4194398-1', '4194397-1'] as const

const service = (id: string, name: string) =>
  ({ id, name, workspace: 'w' }) as unknown as SnapshotItem<'services'>

const seal = (snapshot: Snapshot, revision: number, by = key): VerifiedSnapshot => ({
  snapshot,
  seal: sealRoot(snapshot, revision, by),
  publicKey: publicKeyOf(by),
})

/** Each snapshot has one service more, with this name. */
function grow(count: number, name = 'x'): VerifiedSnapshot[] {
  let { services, ...others } = snapshotOf({})
  return Array.from({ length: count }, (_, at) => {
    services = services.with(`s${at}`, service(`s${at}`, name))
    return seal({ services, ...others }, at + 1)
  })
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-cache-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function openCache(directory: string, owner: string = ended[0], errors: unknown[] = []) {
  const log: Pick<Log, 'error'> = { error: (message, fields) => errors.push([message, fields]) }
  const cache = openSnapshotCache(directory, cipher, log, owner)
  return { ...cache, read: () => runToCompletion(cache.read()) }
}

const filesIn = (directory: string): string[] => readdirSync(join(directory, 'snapshots'))
const fileOf = (directory: string, owner: string = ended[0]): string =>
  join(directory, 'snapshots', owner)

const revisionOf = (read: VerifiedSnapshot | LegacySnapshot | undefined): number | undefined =>
  read && 'seal' in read ? read.seal.revision : undefined

function partsOf(read: VerifiedSnapshot | LegacySnapshot | undefined) {
  if (read === undefined || !('seal' in read)) return undefined
  const { seal: by, snapshot } = read
  return { by, root: snapshotRoot(snapshot), lists: listsOf(snapshot) }
}

const expectSame = (
  read: VerifiedSnapshot | LegacySnapshot | undefined,
  to: VerifiedSnapshot | undefined,
): void => expect(partsOf(read)).toEqual(partsOf(to))

test('reads the snapshot that was written last, after any earlier ones', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.string({ maxLength: 2 }), fc.string()), {
        minLength: 1,
        maxLength: 8,
      }),
      async (states) => {
        const directory = makeDirectory()
        const cache = openCache(directory)
        for (const [at, names] of states.entries()) {
          const services = Object.entries(names).map(([id, name]) => service(id, name))
          const written = seal(snapshotOf({ services }), at)
          await cache.write(written)
          expectSame(openCache(directory, ended[1]).read(), written)
          // The other cache has taken the file over, and this one writes another.
        }
        expect(filesIn(directory)).toHaveLength(1)
      },
    ),
    { numRuns: 20 },
  )
})

test('appends what changed', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const states = grow(300, 'x'.repeat(1_000))
  await cache.write(states[298] as VerifiedSnapshot)
  const before = statSync(fileOf(directory)).size
  await cache.write(states[299] as VerifiedSnapshot)
  expect(before).toBeGreaterThan(300_000)
  expect(statSync(fileOf(directory)).size - before).toBeLessThan(2_000)
})

test('a file that is cut off anywhere holds the last snapshot that was completely written', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const ends: number[] = []
  const states = grow(12, 'x'.repeat(30_000))
  for (const state of states.slice(4)) {
    await cache.write(state)
    ends.push(statSync(fileOf(directory)).size)
  }
  const bytes = readFileSync(fileOf(directory))
  const cuts = new Set(recordEnds(bytes).flatMap((end) => [end - 1, end, end + 1, end + 700]))
  expect(cuts.size).toBeGreaterThan(30)
  for (const cut of cuts) {
    const copy = makeDirectory()
    mkdirSync(join(copy, 'snapshots'))
    writeFileSync(fileOf(copy), bytes.subarray(0, cut))
    const complete = ends.filter((end) => end <= cut).length
    const reader = openCache(copy, ended[1])
    const read = reader.read()
    expectSame(read, complete === 0 ? undefined : states[complete + 3])
    // It goes on after the cut.
    const next = seal(snapshotOf({ services: [service('n', 'after')] }), 99)
    await reader.write(next)
    expectSame(openCache(copy, ended[2]).read(), next)
  }
})

/** The positions at which the records of a file end. */
function recordEnds(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let end = 16; end < bytes.length;) {
    end += 4 + bytes.readUInt32BE(end)
    ends.push(end)
  }
  return ends
}

test('a byte that is changed anywhere never leads to a snapshot that was not sealed', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const states = grow(5)
  for (const state of states) await cache.write(state)
  const bytes = readFileSync(fileOf(directory))
  for (let at = 0; at < bytes.length; at += 7) {
    const copy = makeDirectory()
    mkdirSync(join(copy, 'snapshots'))
    writeFileSync(fileOf(copy), bytes.with(at, (bytes[at] ?? 0) ^ 1))
    const read = openCache(copy, ended[1]).read()
    const revision = revisionOf(read)
    expect(partsOf(read)).toEqual(partsOf(revision === undefined ? revision : states[revision - 1]))
  }
})

test('records do not decrypt at another position or in another file', async () => {
  const [one, other] = [makeDirectory(), makeDirectory()]
  for (const directory of [one, other]) {
    const cache = openCache(directory)
    for (const state of grow(3)) await cache.write(state)
  }
  const bytes = readFileSync(fileOf(one))
  const [, base = 0, first = 0, second = 0] = recordEnds(bytes)
  const swapped = [
    bytes.subarray(0, base),
    bytes.subarray(first, second),
    bytes.subarray(base, first),
  ]
  writeFileSync(fileOf(one), Buffer.concat(swapped))
  expect(revisionOf(openCache(one, ended[1]).read())).toBe(1)
  const foreign = [readFileSync(fileOf(other)).subarray(0, base), bytes.subarray(base)]
  writeFileSync(fileOf(other), Buffer.concat(foreign))
  expect(revisionOf(openCache(other, ended[1]).read())).toBe(1)
})

test('starts a new file when the deltas have outgrown the snapshot', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const large = Array.from({ length: 20 }, (_, at) =>
    seal(snapshotOf({ services: [service('s', `${at}`.repeat(100_000))] }), at),
  )
  for (const state of large) await cache.write(state)
  await expect.poll(() => statSync(fileOf(directory)).size).toBeLessThan(2_000_000)
  await expect.poll(() => filesIn(directory)).toEqual([ended[0]])
  expectSame(openCache(directory, ended[1]).read(), large.at(-1) as VerifiedSnapshot)
})

test('replaces the file when another control plane seals', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const { snapshot } = grow(1)[0] as VerifiedSnapshot
  await cache.write(seal(snapshot, 9))
  const moved = seal(snapshot, 2, generateSealKey())
  await cache.write(moved)
  expect(partsOf(openCache(directory, ended[1]).read())).toEqual(partsOf(moved))
})

test('continues the file of a worker that has ended, and leaves that of a running one', async () => {
  const directory = makeDirectory()
  const [first, second, third] = grow(3) as [VerifiedSnapshot, VerifiedSnapshot, VerifiedSnapshot]
  await openCache(directory, ended[0]).write(first)
  const running = `${process.pid}-x`
  const successor = openCache(directory, running)
  expectSame(successor.read(), first)
  expect(filesIn(directory)).toEqual([running])
  const beside = openCache(directory, ended[1])
  expectSame(beside.read(), first)
  expect(filesIn(directory)).toEqual([running])
  await successor.write(second)
  await beside.write(third)
  expect(filesIn(directory).toSorted()).toEqual([running, ended[1]].toSorted())
  expectSame(runToCompletion(readSnapshotFile(fileOf(directory, running), cipher)).written, second)
})

test('reads the newest revision even if an older one was written later, and another file when it cannot be read', async () => {
  const directory = makeDirectory()
  const [first, second, third] = grow(3) as [VerifiedSnapshot, VerifiedSnapshot, VerifiedSnapshot]
  const newer = openCache(directory, `${process.pid}-x`)
  // As a whole snapshot, and as a delta after one.
  await newer.write(first)
  await newer.write(third)
  await openCache(directory, `${process.ppid}-x`).write(second)
  const setTime = (owner: number, time: number) =>
    utimesSync(fileOf(directory, `${owner}-x`), time, time)
  setTime(process.pid, 1_000)
  setTime(process.ppid, 2_000)
  expectSame(openCache(directory).read(), third)
  truncateSync(fileOf(directory, `${process.pid}-x`), 100)
  const errors: unknown[] = []
  expectSame(openCache(directory, ended[0], errors).read(), second)
  expect(errors).toHaveLength(1)
})

test('reads nothing where the files cannot be listed, and logs why', () => {
  const directory = makeDirectory()
  const errors: unknown[] = []
  const cache = openCache(directory, ended[0], errors)
  rmSync(join(directory, 'snapshots'), { recursive: true })
  writeFileSync(join(directory, 'snapshots'), '')
  expect(cache.read()).toBeUndefined()
  expect(errors).toHaveLength(1)
})

test('a write after one that failed contains both changes', async () => {
  const directory = makeDirectory()
  const cache = openCache(directory)
  const [first, second, third] = grow(3) as [VerifiedSnapshot, VerifiedSnapshot, VerifiedSnapshot]
  await cache.write(first)
  rmSync(join(directory, 'snapshots'), { recursive: true })
  writeFileSync(join(directory, 'snapshots'), '')
  await expect(cache.write(second)).rejects.toThrow('ENOTDIR')
  rmSync(join(directory, 'snapshots'))
  mkdirSync(join(directory, 'snapshots'))
  await cache.write(third)
  expectSame(openCache(directory, ended[1]).read(), third)
})

/** A snapshot as versions with format 1 kept it. */
function legacy(body: string, revision = 7): LegacySnapshot {
  const signature = sign(null, Buffer.from(`${revision}\n${body}`), key).toString('base64')
  return { revision, body, signature, publicKey }
}

const legacyBody = JSON.stringify({
  ...listsOf(snapshotOf({ services: [service('s', 'old')] })),
  consumers: [{ id: 'c', groups: [] }],
  format: 1,
})

test.each([
  [
    'snapshot.sealed',
    ({ body, ...head }: LegacySnapshot) =>
      cipher.seal(`${JSON.stringify(head)}\n${body}`, 'gateway/snapshot'),
  ],
  ['snapshot.json', ({ body, ...head }: LegacySnapshot) => `${JSON.stringify(head)}\n${body}`],
  [
    'snapshot.json',
    ({ publicKey: by, ...sealed }: LegacySnapshot) => JSON.stringify({ sealed, publicKey: by }),
  ],
])('reads %s of an older version until it has written its own', async (name, format) => {
  const directory = makeDirectory()
  writeFileSync(join(directory, name), format(legacy(legacyBody)))
  const cache = openCache(directory)
  const read = cache.read()
  if (read === undefined || 'seal' in read) throw new Error('no legacy snapshot was read')
  expect(read).toEqual(legacy(legacyBody))
  const snapshot = runToCompletion(verifyLegacySteps(read))
  expect([...snapshot.services.keys()]).toEqual(['s'])
  expect(snapshot.consumers.get('c')?.consumer_groups).toEqual([])
  await cache.write(grow(1)[0] as VerifiedSnapshot)
  expect(existsSync(join(directory, name))).toBe(false)
})

test('refuses a snapshot of an older version with an invalid seal', () => {
  const verify = (read: LegacySnapshot) => () => runToCompletion(verifyLegacySteps(read))
  const right = legacy(legacyBody)
  expect(verify(right)).not.toThrow()
  expect(verify({ ...right, body: legacyBody.replace('old', 'new') })).toThrow(/seal of revision/)
  expect(verify({ ...right, revision: 8 })).toThrow(/seal of revision/)
  expect(verify({ ...right, publicKey: publicKeyOf(generateSealKey()) })).toThrow(/seal of rev/)
  expect(verify(legacy(legacyBody.replace('"format":1', '"format":3')))).toThrow(/format/)
})
