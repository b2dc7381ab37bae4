import { systemPrincipal } from './permit.ts'
import { type EntityName, entities } from '../entities/entities.ts'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Entries } from '../entities/entry.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { verifyRoot } from '../snapshot/seal-snapshot.ts'
import { freshDatabase, openStoreAt } from '../../test/harness/store-engines.ts'
import { until } from '../../test/harness/until.ts'
import type { ChangeRequest } from './change-configuration.ts'
import type { Configuration } from './configuration.ts'
import { openConfiguration, type ConfigurationOptions } from './open-configuration.ts'
import type { Operation } from '../entities/operation.ts'

const workspace = defaultWorkspace.id

test('stores exactly what the configuration holds after any sequence of changes', async () => {
  const { configuration, reopen } = await openTest()
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 12 }), async (operations) => {
      for (const one of operations) await change(configuration, [one]).catch(mustBeRefusal)
      const loaded = await reopen()
      expect(loaded.entries).toEqual(everythingIn(configuration))
      expect(loaded.latest).toEqual(configuration.current().seal)
    }),
    { numRuns: 70 },
  )
  expect(configuration.current().revision).toBeGreaterThan(100)
}, 180_000)

test('applies all operations of a change or none', async () => {
  const { configuration } = await openTest()
  const before = configuration.current()
  const operations = [
    put('service', 's', { host: 'h' }),
    put('route', 'r', { paths: ['/'], service: { name: 'nope' } }),
  ]
  await expect(change(configuration, operations)).rejects.toThrow(/foreign key unresolved/)
  expect(configuration.current()).toBe(before)
  expect(configuration.list({ entity: 'service', workspace })).toEqual([])
})

test('stores nothing when the snapshot does not compile', async () => {
  const refuse = new Problem('program.regex', 400, 'the expression cannot be compiled')
  const { configuration } = await openTest({
    compile(snapshot) {
      if (snapshot.services.size > 0) throw refuse
    },
  })
  const before = configuration.current()
  await expect(change(configuration, [put('service', 's', { host: 'h' })])).rejects.toBe(refuse)
  expect(configuration.current()).toBe(before)
})

test('serializes concurrent changes into revisions, and refuses the second use of a unique name', async () => {
  const { configuration } = await openTest()
  const before = configuration.current().revision
  const create = (name: string): Operation => ({
    kind: 'create',
    entity: 'service',
    workspace,
    body: { name, host: 'h' },
  })
  const settled = await Promise.allSettled([
    change(configuration, [create('a')]),
    change(configuration, [create('b')]),
    change(configuration, [create('a')]),
  ])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(configuration.current().revision).toBe(before + 2)
  expect(configuration.current().snapshot.services.size).toBe(2)
})

test('passes every sealed revision to listeners until they unsubscribe', async () => {
  const { configuration } = await openTest()
  const seen: number[] = []
  const stop = configuration.onPublish(({ revision, snapshot, seal }) => {
    verifyRoot(snapshot, seal, configuration.publicKeyPem)
    seen.push(revision)
  })
  const first = await change(configuration, [put('service', 's', { host: 'h' })])
  await change(configuration, [put('role', 'r', {})])
  stop()
  await change(configuration, [put('service', 's', { host: 'i' })])
  expect(seen).toEqual([first.revision, first.revision + 1])
})

test('answers and publishes changes after they are flushed, and commits the next ones meanwhile', async () => {
  const { configuration, store, flushed } = await openWithHeldFlush()
  const seen: number[] = []
  configuration.onPublish(({ revision }) => void seen.push(revision))
  const { revision } = configuration.current()
  const changes = ['a', 'b', 'c'].map((name) =>
    change(configuration, [put('service', name, { host: 'h' })]),
  )
  await until('all to be committed', async () => (await store.newest()) === revision + 3)
  expect(configuration.current().revision).toBe(revision)
  expect(configuration.list({ entity: 'service', workspace })).toEqual([])
  expect(await Promise.race([...changes, Promise.resolve('waiting')])).toBe('waiting')
  flushed.resolve()
  await Promise.all(changes)
  expect(seen).toEqual([revision + 1, revision + 2, revision + 3])
  expect(configuration.list({ entity: 'service', workspace })).toHaveLength(3)
})

test('a change that could not be flushed is not published before another was', async () => {
  const { configuration, flushed } = await openWithHeldFlush()
  const { revision } = configuration.current()
  const failing = change(configuration, [put('service', 'a', { host: 'h' })])
  flushed.promise.catch(() => undefined)
  flushed.reject(new Error('EIO'))
  await expect(failing).rejects.toThrow('EIO')
  expect(configuration.current().revision).toBe(revision)
  await change(configuration, [put('service', 'b', { host: 'h' })])
  expect(configuration.current().revision).toBe(revision + 2)
})

test('creates no revision when nothing changes', async () => {
  const { configuration } = await openTest()
  const before = configuration.current().revision
  await change(configuration, [{ kind: 'delete', entity: 'service', workspace, at: 'absent' }])
  expect(configuration.current().revision).toBe(before)
})

test('keeps the revision on restart, and replaces the bootstrap token when another is configured', async () => {
  const { configuration, file } = await openTest({ adminToken: 'the-first-admin-token' })
  const { revision } = configuration.current()
  const secret = configuration.joinSecret
  await configuration.close()
  const again = await open(file, { adminToken: 'the-first-admin-token' })
  expect(again.current().revision).toBe(revision)
  expect(again.joinSecret).toBe(secret)
  expect(again.setUpSecret()).toBeUndefined()
  await again.close()
  const other = await open(file, { adminToken: 'the-second-admin-token' })
  onTestFinished(() => other.close())
  const identify = (token: string) => other.identify({ 'kong-admin-token': token })
  expect(await identify('the-first-admin-token')).toBeUndefined()
  expect(await identify('the-second-admin-token')).toMatchObject({ by: 'token' })
})

test('does not accept an expired token', async () => {
  let now = 1_800_000_000_000
  const { configuration } = await openTest({ clock: { now: () => now } })
  await change(configuration, [
    put('principal', 'p', {}),
    {
      kind: 'create',
      entity: 'token',
      workspace: null,
      body: {
        principal: { name: 'p' },
        token: 'a-token-that-will-expire',
        expires_at: now / 1000 + 60,
      },
    },
  ])
  const identify = () =>
    configuration.identify({ authorization: 'Bearer a-token-that-will-expire' })
  expect(await identify()).toBeDefined()
  now += 60_000
  expect(await identify()).toBeUndefined()
})

const names = fc.constantFrom('a', 'b', 'c')
const service = fc.record({ host: fc.constantFrom('x', 'y'), name: names })
const route = fc.record({
  name: names,
  paths: fc.constantFrom(['/a'], ['/b']),
  service: fc.record({ name: names }),
})
const body: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  service,
  route,
  consumer: fc.record({ username: names, custom_id: names }),
  'key-auth': fc.record({ key: names, consumer: fc.record({ username: names }) }),
  acl: fc.record({ group: names, consumer: fc.record({ username: names }) }),
  upstream: fc.record({ name: names }),
  target: fc.record({ target: names, upstream: fc.record({ name: names }) }),
  plugin: fc.record({
    name: fc.constant('plain'),
    instance_name: names,
    service: fc.option(fc.record({ name: names })),
  }),
  role: fc.record({ name: names }),
}
const operation: fc.Arbitrary<Operation> = fc
  .constantFrom(...Object.keys(body))
  .chain((entity) =>
    fc.record({
      kind: fc.constantFrom('create', 'replace', 'update', 'delete'),
      entity: fc.constant(entity),
      workspace: fc.constant(workspace),
      at: names,
      body: body[entity] ?? fc.constant({}),
    }),
  )
  .map(({ at, ...one }) => (one.kind === 'create' ? one : { ...one, at }) as Operation)

const put = (entity: EntityName, at: string, fields: Record<string, unknown>): Operation => ({
  kind: 'replace',
  entity,
  workspace: entity === 'principal' ? null : workspace,
  at,
  body: fields,
})

const change = (configuration: Configuration, operations: readonly Operation[]) =>
  configuration.change({ ...anyone, operations })

const anyone: Omit<ChangeRequest, 'operations'> = {
  principal: systemPrincipal,
  check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
  origin: { requestId: '', address: '', method: '', path: '' },
  status: 200,
}

function mustBeRefusal(error: unknown): void {
  if (!(error instanceof Problem) || error.status >= 500) throw error
}

function everythingIn(configuration: Configuration): Entries {
  const places = [null, workspace]
  return new Map(
    entities.map(({ name, inWorkspace }) => {
      const found = places
        .filter((place) => (place === null) !== inWorkspace)
        .flatMap((place) => configuration.list({ entity: name, workspace: place }))
      return [name, RadixMap.from(found.map((entry) => [entry.id, entry] as const))]
    }),
  )
}

async function openTest(options: Partial<ConfigurationOptions> = {}) {
  const file = await freshDatabase()
  const configuration = await open(file, options)
  onTestFinished(() => configuration.close())
  const reopen = async () => {
    const store = await openStoreAt(file)
    const loaded = await store.load()
    await store.close()
    return loaded
  }
  return { configuration, file, reopen }
}

/** The first flushes after the start wait for `flushed`. */
async function openWithHeldFlush() {
  const store = await openStoreAt(await freshDatabase())
  const flushed = Promise.withResolvers<void>()
  let isHeld = false
  let isOver = false
  const flush = async (): Promise<void> => {
    if (isHeld && !isOver) await flushed.promise.finally(() => (isOver = true))
    await store.flush()
  }
  const configuration = await open('', { store: { ...store, flush } })
  onTestFinished(() => configuration.close())
  isHeld = true
  return { configuration, store, flushed }
}

const open = async (file: string, options: Partial<ConfigurationOptions>) =>
  openConfiguration({
    store: options.store ?? (await openStoreAt(file)),
    catalog: [{ name: 'plain', about: '', settings: z.strictObject({}) }],
    compile: () => undefined,
    ...options,
  })
