import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts'
import { canonicalText } from '../../src/lib/canonical-text.ts'
import { publicKeyOf, verifySeal } from '../../src/snapshot/seal-snapshot.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'

const child = join(import.meta.dirname, 'admin-crash-child.ts')

test('killed in the middle of changes, the store holds the revision before or the one after', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-crash-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'weir.db')
  let before = 0
  for (let round = 0; round < 5; round += 1) {
    const answered = await changeUntilKilled(file, 3 + round * 5)
    const store = await openSqliteStore(file)
    const { entries, latest } = await store.load()
    const [newest] = await store.readRevisions(1)
    const records = await store.audit.read({}, 100_000)
    expect(latest?.revision).toBeGreaterThanOrEqual(answered)
    expect(latest?.revision).toBeGreaterThan(before)
    expect(newest?.number).toBe(latest?.revision)
    expect(canonicalText(buildSnapshot(entries))).toBe(latest?.body)
    const key = await store.readSetting('seal_key')
    expect(latest && verifySeal(latest, publicKeyOf(key ?? ''))).toEqual(buildSnapshot(entries))
    expect(new Set(records.map(({ revision }) => revision)).size).toBe(latest?.revision)
    expect(services(entries)).toBe(routes(entries))
    before = latest?.revision ?? 0
    await store.close()
  }
})

const services = (entries: ReadonlyMap<string, { size: number }>) => entries.get('service')?.size
const routes = (entries: ReadonlyMap<string, { size: number }>) => entries.get('route')?.size

/** The newest revision that was answered before the child was killed without warning. */
async function changeUntilKilled(file: string, changes: number): Promise<number> {
  const running = spawn(process.execPath, [child, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(running, 'exit')
  let answered = 0
  let seen = 0
  for await (const line of createInterface({ input: running.stdout })) {
    answered = Number(line)
    seen += 1
    if (seen === changes) running.kill('SIGKILL')
  }
  await gone
  return answered
}
