import { systemPrincipal } from '../../src/control/permit.ts'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Configuration } from '../../src/control/configuration.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import type { EntityName } from '../../src/entities/entities.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { snapshotRoot } from '../../src/snapshot/snapshot-root.ts'
import { verifyRoot } from '../../src/snapshot/seal-snapshot.ts'
import type { Store } from '../../src/store/store.ts'
import { runSql } from '../harness/run-sql.ts'
import { onPostgres, openStoreAt } from '../harness/store-engines.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

onPostgres(({ fresh, restart }) => {
  test('two control planes that start at once on an empty database agree on everything', async () => {
    const [a, b] = await openTwo(await fresh())
    expect(a.joinSecret).toBe(b.joinSecret)
    expect(a.publicKeyPem).toBe(b.publicKeyPem)
    expect(entriesOf(a, 'role')).toEqual(entriesOf(b, 'role'))
    expect(entriesOf(a, 'role').length).toBeGreaterThan(0)
  })

  test('each of two concurrent changes becomes one revision, and both control planes converge', async () => {
    const [a, b] = await openTwo(await fresh())
    const before = a.current().revision
    const names = Array.from({ length: 60 }, (_, number) => `s${number}`)
    const made = names.map((name, number) => put(number % 2 === 0 ? a : b, name))
    const revisions = await Promise.all(made)
    expect(new Set(revisions).size).toBe(names.length)
    expect(Math.max(...revisions)).toBe(before + names.length)
    await until('both to be alike', () => a.current().revision === b.current().revision)
    expect(entriesOf(a, 'service')).toEqual(entriesOf(b, 'service'))
    expect(a.current().seal).toEqual(b.current().seal)
    expect(new Set(entriesOf(a, 'service').map(({ fields }) => fields['name']))).toEqual(
      new Set(names),
    )
  })

  test('follows the changes of the other control plane, and shares unchanged items', async () => {
    const [a, b] = await openTwo(await fresh())
    await put(a, 'kept')
    const first = await put(a, 'changed')
    await until('the other one to follow', () => b.current().revision === first)
    const before = b.current().snapshot
    const services = (of: Configuration) => [...of.current().snapshot.services.values()]
    const kept = services(b).find(({ name }) => name === 'kept')
    const last = await change(a, { kind: 'replace', at: 'changed', body: { host: 'other' } })
    await until('the other one to follow', () => b.current().revision === last)
    expect(services(b).find(({ name }) => name === 'kept')).toBe(kept)
    expect([...before.services.differencesTo(b.current().snapshot.services)]).toHaveLength(1)
    expect(b.current().snapshot.routes).toBe(before.routes)
    expect(snapshotRoot(b.current().snapshot)).toBe(a.current().seal.root)
  })

  test('seals a revision that another version built differently', async () => {
    const place = await fresh()
    const [a, b] = await openTwo(place)
    const first = await put(a, 'one')
    await until('the other one to follow', () => b.current().revision === first)
    const trigger = `create function of_another_version() returns trigger as $$
      begin new.root := 'another'; return new; end $$ language plpgsql`
    await runSql(place, trigger)
    await runSql(
      place,
      'create trigger t before insert on revisions for each row execute function of_another_version()',
    )
    const last = await put(a, 'two')
    await until('the other one to follow', () => b.current().revision === last)
    const { snapshot, seal } = b.current()
    expect(snapshot.services.size).toBe(2)
    expect(() => verifyRoot(snapshot, seal, b.publicKeyPem)).not.toThrow()
  })

  test('loads everything when the revisions that it lacks were pruned', async () => {
    const place = await fresh()
    const a = await openOne(place)
    await put(a, 'one')
    const silent = await openStoreAt(place)
    const b = await openOne(place, { ...silent, watch: () => () => undefined })
    for (const name of ['two', 'three', 'four']) await put(a, name)
    await a.pruneRevisions({ days: 1_000, count: 1 }, Infinity)
    await put(b, 'five')
    expect(new Set(entriesOf(b, 'service').map(({ fields }) => fields['name']))).toEqual(
      new Set(['one', 'two', 'three', 'four', 'five']),
    )
  })

  test('only one of two control planes can create a name', async () => {
    const [a, b] = await openTwo(await fresh())
    const settled = await Promise.allSettled([create(a, 'same'), create(b, 'same')])
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const [refused] = settled.filter((one) => one.status === 'rejected')
    expect(refused?.reason).toMatchObject({
      status: 409,
      message: expect.stringMatching(/UNIQUE/i),
    })
  })

  test('loads missed changes when the database is reachable again', async () => {
    const [a, b] = await openTwo(await fresh())
    await put(a, 'before')
    await restart()
    const revision = await until('a change after the restart', () => put(a, 'after'))
    await until('the other one to follow', () => b.current().revision >= revision)
    expect(entriesOf(b, 'service').length).toBe(2)
  })

  test('gateways of one control plane serve the changes of another', async () => {
    const upstream = await startUpstream((_request, response) => void response.end('hello'))
    const [a, b] = await startTwo(await fresh())
    const services = { host: '127.0.0.1', port: upstream.port }
    await ask(a, 'PUT', '/services/s', services)
    const waits: number[] = []
    for (let number = 0; number < 5; number += 1) {
      const path = `/new-${number}`
      const since = performance.now()
      await ask(a, 'PUT', `/routes/r${number}`, { service: { name: 's' }, paths: [path] })
      await until('the other gateway to serve it', async () => (await fetch(b.proxyUrl + path)).ok)
      waits.push(performance.now() - since)
    }
    // Polling alone, every 5 seconds, would delay each change after the first.
    expect(Math.min(...waits.slice(1))).toBeLessThan(4_000)
    await ask(b, 'DELETE', '/routes/r0')
    const isGone = async () => (await a.admin('GET', '/routes/r0')).status === 404
    await until('the first one to know that a route is gone', isGone)
  }, 180_000)

  test('a control plane killed during changes leaves complete revisions, and catches up after its restart', async () => {
    const [a, b] = await startTwo(await fresh())
    let answered = 0
    const changing = changeUntilFailure(a, () => (answered += 1))
    await until('a few changes', () => answered > 10)
    for (const pid of a.children('weir control')) process.kill(pid, 'SIGKILL')
    await changing
    await ask(b, 'PUT', '/services/by-the-other', { host: 'h' })
    const isBack = async () => {
      const found = await a.admin('GET', '/services/by-the-other')
      return found.ok ? names(b, '/services') : undefined
    }
    const kept = await until('the first one to be back', isBack, 120_000)
    expect(await names(a, '/services')).toEqual(kept)
    expect(kept.length - 1).toBeGreaterThanOrEqual(answered)
    const routes = await names(b, '/routes')
    expect(routes.length).toBeGreaterThanOrEqual(answered)
    expect(kept).toEqual(expect.arrayContaining(routes))
  }, 300_000)
})

/** Two control planes' configurations on one database. */
async function openTwo(place: string): Promise<[Configuration, Configuration]> {
  return Promise.all([openOne(place), openOne(place)])
}

async function openOne(place: string, store?: Store): Promise<Configuration> {
  const configuration = await openConfiguration({
    store: store ?? (await openStoreAt(place)),
    catalog: [],
    compile: () => undefined,
  })
  onTestFinished(() => configuration.close())
  return configuration
}

/** Two programs on one database, each with its own data directory. */
async function startTwo(place: string): Promise<[TestWeir, TestWeir]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-two-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const key = randomBytes(32).toString('hex')
  const env = { WEIR_DATABASE_URL: place, WEIR_ENCRYPTION_KEY: key, WEIR_WORKERS: '1' }
  const start = (name: string) => startWeir({ data: join(folder, name), env })
  return [await start('a'), await start('b')]
}

const entriesOf = (configuration: Configuration, entity: EntityName) =>
  configuration.list({ entity, workspace: defaultWorkspace.id })

const change = async (
  configuration: Configuration,
  operation: { readonly kind: 'create' | 'replace'; readonly at?: string; readonly body: object },
): Promise<number> => {
  const { revision } = await configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations: [
      {
        entity: 'service',
        workspace: defaultWorkspace.id,
        ...operation,
        body: { ...operation.body },
      },
    ],
  })
  return revision
}

const put = (configuration: Configuration, at: string): Promise<number> =>
  change(configuration, { kind: 'replace', at, body: { host: 'h' } })

const create = (configuration: Configuration, name: string): Promise<number> =>
  change(configuration, { kind: 'create', body: { name, host: 'h' } })

async function ask(weir: TestWeir, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await weir.admin(method, path, body)
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

async function names(weir: TestWeir, path: string): Promise<string[]> {
  const answer = await ask(weir, 'GET', `${path}?size=1000`)
  return (answer as { data: { name: string }[] }).data.map(({ name }) => name).toSorted()
}

/** Creates services, each with a route, until a request fails. */
async function changeUntilFailure(weir: TestWeir, onAnswer: () => void): Promise<void> {
  for (let number = 0; ; number += 1) {
    const name = `s${String(number).padStart(4, '0')}`
    try {
      await ask(weir, 'PUT', `/services/${name}`, { host: 'h' })
      await ask(weir, 'PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}`] })
      onAnswer()
    } catch {
      return
    }
  }
}
