import { expect, onTestFinished, test } from 'vitest'
import type { Configuration } from '../../src/control/configuration.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import { systemPrincipal } from '../../src/control/permit.ts'
import { findDrift } from '../../src/declarative/find-drift.ts'
import {
  listRevisions,
  planRollback,
  showRevision,
  type RevisionViewer,
} from '../../src/declarative/revisions.ts'
import { startRevisionPruning } from '../../src/declarative/start-revision-pruning.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import type { Operation } from '../../src/entities/operation.ts'
import { runSql } from '../harness/run-sql.ts'
import { describeEachStore, freshDatabase, openStoreAt } from '../harness/store-engines.ts'
import { until } from '../harness/until.ts'

const day = 24 * 60 * 60_000
const workspace = defaultWorkspace.id
const reader = {
  mayRead: () => true,
  mayList: () => true,
  nameOf: (_: string, { id }: { id: string }) => id,
}
const everybody: RevisionViewer = { reader }
const always = { days: 1_000, count: 1_000_000 }

describeEachStore(({ fresh }) => {
  test('keeps as many of the newest revisions as are allowed, and refuses what was pruned', async () => {
    const place = await fresh()
    const { configuration } = await openTest(place)
    // More changes in one revision than one step deletes.
    await put(configuration, ...names(1_200))
    for (const name of ['a', 'b', 'c', 'd']) await put(configuration, name)
    const newest = configuration.current().revision
    const kept = newest - 2
    const rollback = await planRollback(configuration, everybody, kept)
    const before = configuration.list({ entity: 'service', workspace })
    await configuration.pruneRevisions({ ...always, count: 3 }, Infinity)

    expect(await configuration.prunedThrough()).toBe(kept - 1)
    const lines = await listRevisions(configuration, everybody, { size: 100 })
    expect(lines.map(({ number }) => number)).toEqual([newest, newest - 1, kept])
    expect(await numbersIn(place, 'revisions')).toEqual([kept, newest - 1, newest])
    expect(await numbersIn(place, 'changes')).toEqual([kept, newest - 1, newest])
    const pruned = { code: 'declarative.pruned', status: 410 }
    await expect(planRollback(configuration, everybody, kept - 1)).rejects.toMatchObject(pruned)
    await expect(showRevision(configuration, everybody, 1)).rejects.toMatchObject(pruned)
    expect(await planRollback(configuration, everybody, kept)).toEqual(rollback)
    expect(await showRevision(configuration, everybody, newest)).toBeDefined()
    expect(configuration.list({ entity: 'service', workspace })).toEqual(before)
  })

  test('prunes what is older than the days that are allowed, and never the newest revision', async () => {
    let now = 1_800_000_000_000
    const { configuration } = await openTest(await fresh(), () => now)
    await put(configuration, 'a')
    const old = configuration.current().revision
    now += 3 * day
    await put(configuration, 'b')
    await configuration.pruneRevisions({ ...always, days: 4 }, Infinity)
    expect(await configuration.prunedThrough()).toBe(0)
    await configuration.pruneRevisions({ ...always, days: 2 }, Infinity)
    expect(await configuration.prunedThrough()).toBe(old)
    now += 9 * day
    await configuration.pruneRevisions({ ...always, days: 2 }, Infinity)
    expect(await configuration.prunedThrough()).toBe(old)
    expect(await configuration.readRevisions(10)).toHaveLength(1)
  })

  test('keeps the revisions since the last sync of a workspace, from which drift is found', async () => {
    const place = await fresh()
    const { configuration } = await openTest(place)
    for (const name of ['a', 'b']) await put(configuration, name)
    const revision = configuration.current().revision
    const sync = { revision, time: 1, principal: 'p', message: null, tags: [] }
    await configuration.writeSetting(`synced ${workspace}`, JSON.stringify({ '': sync }))
    for (const name of ['c', 'd', 'e']) await put(configuration, name)
    const request = { workspace, reader }
    const drift = await findDrift(configuration, request)
    expect(drift.counts.created).toBe(3)
    const logged: unknown[] = []
    const log = { error: (...line: unknown[]) => void logged.push(line) }
    const stop = startRevisionPruning(configuration, { ...always, count: 1 }, log)
    onTestFinished(stop)
    await until('pruning', async () => (await numbersIn(place, 'revisions'))[0] === revision)
    expect(await configuration.prunedThrough()).toBe(revision - 1)
    expect(await findDrift(configuration, request)).toEqual(drift)
    expect(logged).toEqual([])
  })

  test('one process prunes at a time, during changes, and continues where another was killed', async () => {
    const place = await fresh()
    const { configuration, store } = await openTest(place)
    await put(configuration, ...names(1_200))
    await put(configuration, 'a')
    const { revision } = configuration.current()
    await store.leases.acquire('prune-revisions', 'another', 60_000)
    await configuration.pruneRevisions({ ...always, count: 1 }, Infinity)
    expect(await configuration.prunedThrough()).toBe(0)
    await store.leases.release('prune-revisions', 'another')

    // The first step of a process that was killed.
    expect(await store.pruneRevisions(revision - 1)).toBe(true)
    expect(await configuration.prunedThrough()).toBe(revision - 1)
    // Whichever of the changes is the newest when it starts.
    const pruning = configuration.pruneRevisions({ ...always, count: 1 }, revision)
    const changed = Promise.all(['b', 'c', 'd'].map((name) => put(configuration, name)))
    await Promise.all([pruning, changed])
    const left = [revision, revision + 1, revision + 2, revision + 3]
    expect(await numbersIn(place, 'changes')).toEqual(left)
    expect(await numbersIn(place, 'revisions')).toEqual(left)
  })

  test('refuses a rollback whose changes are pruned while they are read', async () => {
    const { configuration } = await openTest(await fresh())
    for (const name of ['a', 'b', 'c', 'd']) await put(configuration, name)
    const pruning: Configuration = {
      ...configuration,
      async readChanges(span) {
        await configuration.pruneRevisions({ ...always, count: 1 }, Infinity)
        return configuration.readChanges(span)
      },
    }
    const { revision } = configuration.current()
    const pruned = { code: 'declarative.pruned', status: 410 }
    await expect(planRollback(pruning, everybody, revision - 2)).rejects.toMatchObject(pruned)
    for (const name of ['e', 'f']) await put(configuration, name)
    await expect(showRevision(pruning, everybody, revision)).rejects.toMatchObject(pruned)
  })

  test('stops pruning when it is closed', async () => {
    const place = await fresh()
    const { configuration } = await openTest(place)
    await put(configuration, ...names(3_000))
    await put(configuration, 'a')
    const pruning = configuration.pruneRevisions({ ...always, count: 1 }, Infinity)
    await configuration.close()
    await pruning
    expect((await numbersIn(place, 'revisions')).at(-1)).toBe(configuration.current().revision)
  })
})

test('a SQLite file uses the space of pruned revisions again', async () => {
  const place = await freshDatabase()
  const { configuration } = await openTest(place)
  for (let round = 0; round < 6; round += 1) await put(configuration, ...names(400, round))
  await configuration.pruneRevisions({ ...always, count: 1 }, Infinity)
  const pages = () =>
    runSql(place, 'select page_count, freelist_count from pragma_page_count, pragma_freelist_count')
  const [before] = await pages()
  await put(configuration, ...names(400, 9))
  const [after] = await pages()
  expect(after?.['page_count']).toBe(before?.['page_count'])
  expect(Number(after?.['freelist_count'])).toBeLessThan(Number(before?.['freelist_count']))
})

/** Names of services; those of another round are other services. */
const names = (count: number, round = 0): string[] =>
  Array.from({ length: count }, (_, number) => `s${round}-${number}`)

/** Puts services in one change. */
const put = (configuration: Configuration, ...services: readonly string[]) =>
  configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations: services.map((at): Operation => ({
      kind: 'replace',
      entity: 'service',
      workspace,
      at,
      body: { host: 'h' },
    })),
  })

async function openTest(place: string, now: () => number = Date.now) {
  const store = await openStoreAt(place)
  const configuration = await openConfiguration({
    store,
    catalog: [],
    compile: () => undefined,
    clock: { now },
  })
  onTestFinished(() => configuration.close())
  return { configuration, store }
}

/** The revisions that a table has rows of. */
async function numbersIn(place: string, table: string): Promise<number[]> {
  const rows = await runSql(place, `select distinct number from ${table} order by number`)
  return rows.map(({ number }) => Number(number))
}
