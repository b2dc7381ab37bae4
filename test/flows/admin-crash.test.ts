import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readOrCreateAuditKey } from '../../src/audit/audit-key.ts'
import { verifyAudit } from '../../src/control/verify-audit.ts'
import type { Entries } from '../../src/entities/entry.ts'
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts'
import { publicKeyOf, verifyRoot } from '../../src/snapshot/seal-snapshot.ts'
import { describeEachStore, openStoreAt } from '../harness/store-engines.ts'
import { runSql } from '../harness/run-sql.ts'
import { until } from '../harness/until.ts'

const child = join(import.meta.dirname, 'admin-crash-child.ts')

/** Each kill takes about a second. */
const kills = Number(process.env['WEIR_TEST_KILLS'] ?? 8)
const pairs = 250

describeEachStore(({ fresh }) => {
  test(`killed ${kills} times during a large sync, the store has the revision before or after it`, async () => {
    expect.hasAssertions()
    const directory = await mkdtemp(join(tmpdir(), 'weir-crash-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const keyFile = join(directory, 'audit.key')
    const place = await fresh()
    let patience = 0
    for (let round = 0; round < kills; round += 1) {
      const { answered, longest } = await syncUntilKilled(place, keyFile, patience)
      patience = Math.max(longest, patience)
      await letGo(place)
      await expectWhole(place, keyFile, answered)
    }
  }, 600_000)
})

/** The server may still process the last request of the killed client. */
async function letGo(place: string): Promise<void> {
  if (!place.startsWith('postgres:')) return
  const others = `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
  await until('the server to let go', async () => (await runSql(place, others)).length === 0)
}

/** The store is consistent, at a revision not older than the last acknowledged one. */
async function expectWhole(place: string, keyFile: string, answered: number): Promise<void> {
  const store = await openStoreAt(place)
  const { entries, latest } = await store.load()
  const records = await store.audit.read({}, 100_000)
  const key = await store.readSetting('seal_key')
  const report = await verifyAudit(store.audit, { keys: [readOrCreateAuditKey(keyFile).publicPem] })
  const [newest] = await store.readRevisions(1)
  await store.close()
  const snapshot = buildSnapshot(entries)
  expect(latest?.revision).toBeGreaterThanOrEqual(answered)
  expect(newest?.number).toBe(latest?.revision)
  if (latest === undefined) throw new Error('the store has no revision')
  verifyRoot(snapshot, latest, publicKeyOf(key ?? ''))
  expect(new Set(records.map(({ revision }) => revision)).size).toBe(latest?.revision)
  expect(report).toMatchObject({ intact: true, faults: [] })
  expect(hostsIn(entries).size).toBeLessThanOrEqual(1)
  expect([0, pairs]).toContain(entries.get('service')?.size)
  expect(entries.get('route')?.size).toBe(entries.get('service')?.size)
}

const hostsIn = (entries: Entries): Set<unknown> =>
  new Set([...(entries.get('service')?.values() ?? [])].map(({ fields }) => fields['host']))

/** Kills a child process at a random time of its second change; returns the newest acknowledged revision and the duration of a change. */
async function syncUntilKilled(place: string, keyFile: string, patience: number) {
  const running = spawn(process.execPath, [child, place, keyFile, String(pairs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(running, 'exit')
  let [answered, longest, begun, since] = [0, 0, 0, 0]
  for await (const line of createInterface({ input: running.stdout })) {
    const now = performance.now()
    if (line === 'begin') {
      begun += 1
      since = now
      if (begun === 2) void killAfter(Math.random() * Math.max(longest, patience))
    } else {
      answered = Number(line)
      longest = now - since
    }
  }
  await gone
  return { answered, longest }

  async function killAfter(milliseconds: number): Promise<void> {
    await sleep(milliseconds)
    running.kill('SIGKILL')
  }
}
