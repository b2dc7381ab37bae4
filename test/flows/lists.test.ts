import { systemPrincipal } from '../../src/control/permit.ts'
import type { EntityName } from '../../src/entities/entities.ts'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { mayReadEntry, readableEntries } from '../../src/admin/entities/may-read-entry.ts'
import type { Configuration } from '../../src/control/configuration.ts'
import type { ListRequest } from '../../src/control/list-entries.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import type { Operation } from '../../src/entities/operation.ts'
import { referenceIn, type Entry } from '../../src/entities/entry.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { arbitraryEndpoint, arbitraryEntity } from '../harness/arbitrary-rights.ts'
import { describeEachStore, openStoreAt } from '../harness/store-engines.ts'
import { openTestAdmin, type TestAdmin } from './admin-harness.ts'

const workspace = defaultWorkspace.id

test('pages contain every unchanged route exactly once while others change', async () => {
  const admin = await openTestAdmin()
  await change(
    admin.configuration,
    range(0, 60).map((number) => route(number)),
  )
  let made = 60
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.record({ add: fc.nat(3), remove: fc.nat(3), update: fc.nat(3) }), {
        minLength: 1,
      }),
      async (size, rounds) => {
        const before = ids(admin)
        const seen: string[] = []
        let next: string | null = `/routes?size=${size}`
        for (let page = 0; next !== null; page += 1) {
          const { body } = await admin.ask('GET', next)
          seen.push(...body.data.map(({ id }: Entry) => id))
          next = body.next
          const { add = 0, remove = 0, update = 0 } = rounds[page] ?? {}
          const present = ids(admin)
          const gone = spread(present, remove)
          const kept = present.filter((id) => !gone.includes(id))
          await change(admin.configuration, [
            ...range(made, add).map((number) => route(number)),
            ...gone.map((at) => ({ kind: 'delete', entity: 'route', workspace, at }) as const),
            ...spread(kept, update).map(
              (at) =>
                ({ kind: 'update', entity: 'route', workspace, at, body: { tags: null } }) as const,
            ),
          ])
          made += add
        }
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen).toEqual(seen.toSorted())
        const after = new Set(ids(admin))
        expect(before.filter((id) => after.has(id) && !seen.includes(id))).toEqual([])
      },
    ),
    { numRuns: 15 },
  )
})

describeEachStore(({ fresh }) => {
  test('indexes return the same as a full scan, after every change and on every control plane', async () => {
    const place = await fresh()
    const [one, other] = [await openAt(place), await openAt(place)]
    await change(one, [service('a'), service('b')])
    let made = 0
    const step = fc.record({
      kind: fc.constantFrom('add', 'update', 'delete'),
      at: fc.nat(1_000),
      tags: fc.subarray(['x', 'y', 'z']),
      service: fc.constantFrom('a', 'b', null),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const taken = new Set<string>()
        const operations = steps.flatMap(({ kind, at, tags, service: name }): Operation[] => {
          const present = all(one, 'route')
          const id = present[at % Math.max(1, present.length)]?.id ?? ''
          const body = { tags, service: name === null ? null : { name } }
          if (kind === 'add') return [route((made += 1), body)]
          if (id === '' || taken.has(id)) return []
          taken.add(id)
          const address = { entity: 'route', workspace, at: id } as const
          return [
            kind === 'delete'
              ? { kind: 'delete', ...address }
              : { kind: 'update', ...address, body },
          ]
        })
        await change(one, operations)
        await change(other, [service(`tick-${made}-${Math.random()}`)])
        expectLists(one)
        expectLists(other)
        expect(all(other, 'route')).toHaveLength(all(one, 'route').length)
      }),
      { numRuns: 20 },
    )
  })
})

test('a list contains exactly the entries that the principal may read individually', async () => {
  const { configuration } = await openTestAdmin()
  const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
  const [a, b] = [id(1), id(2)]
  const inside = (home: string, entity: EntityName, body: Record<string, unknown>): Operation => ({
    kind: 'create',
    entity,
    workspace: home,
    body,
  })
  await change(configuration, [
    { kind: 'create', entity: 'workspace', workspace: null, body: { id: a, name: 'A' } },
    { kind: 'create', entity: 'workspace', workspace: null, body: { id: b, name: 'B' } },
    inside(a, 'service', { id: id(11), name: 'orders', host: 'h' }),
    inside(a, 'service', { id: id(12), name: 'billing', host: 'h' }),
    inside(a, 'service', { id: id(13), host: 'h' }),
    inside(b, 'service', { id: id(21), name: 'orders', host: 'h' }),
    inside(workspace, 'service', { id: id(31), name: 'billing', host: 'h' }),
    inside(a, 'route', { id: id(111), name: 'list', paths: ['/1'], service: { id: id(11) } }),
    inside(a, 'route', { id: id(112), name: 'orders', paths: ['/2'], service: { id: id(12) } }),
    inside(a, 'route', { id: id(113), name: 'alone', paths: ['/3'] }),
    inside(b, 'route', { id: id(211), name: 'list', paths: ['/4'], service: { id: id(21) } }),
    inside(a, 'consumer', { id: id(41), username: 'orders' }),
    inside(a, 'consumer', { id: id(42), username: id(11).toUpperCase() }),
    inside(a, 'consumer', { id: id(43), username: 'a/b' }),
    { kind: 'create', entity: 'principal', workspace: null, body: { id: id(50), name: 'p' } },
    inside(a, 'role', { id: id(51), name: 'r' }),
    inside(workspace, 'role', { id: id(52), name: 'r' }),
    ...[51, 52].map((role) => ({
      kind: 'create' as const,
      entity: 'grant' as const,
      workspace: null,
      body: { principal: { id: id(50) }, role: { id: id(role) } },
    })),
  ])
  const asks = [a, b, workspace].flatMap((home) => {
    const place = { id: home, name: home === a ? 'A' : home === b ? 'B' : 'default' }
    const ask = (path: string) => ({ ask: { workspace: place, path, action: 'read' as const } })
    return [
      ...(['service', 'route', 'consumer', 'workspace'] as const).map((entity) => ({
        door: { configuration, principal: id(50), workspaceRef: place, check: ask(`/${entity}s`) },
        list: { entity, workspace: home },
      })),
      {
        door: {
          configuration,
          principal: id(50),
          workspaceRef: place,
          check: ask('/services/orders/routes'),
        },
        list: {
          entity: 'route' as const,
          workspace: home,
          within: { field: 'service', id: id(11) },
        },
      },
    ]
  })
  const rule = fc.oneof(
    arbitraryEndpoint.map((body) => ['endpoint-permission', body] as const),
    arbitraryEntity.map((body) => ['entity-permission', body] as const),
  )
  let shown = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(rule, fc.constantFrom(51, 52)), { maxLength: 6 }),
      async (rules) => {
        for (const [
          [entity, { id: _id, created_at: _c, updated_at: _u, ...body }],
          role,
        ] of rules) {
          const home = role === 51 ? a : workspace
          // Rules for entities outside their role's workspace are rejected.
          const operation = inside(home, entity, { ...body, role: { id: id(role) } })
          await change(configuration, [operation]).catch(() => undefined)
        }
        for (const { door, list } of asks) {
          const expected = configuration
            .list(list)
            .filter((entry) => mayReadEntry(door, list.entity, entry))
          expect([...readableEntries(door, list)]).toEqual(expected)
          shown += expected.length
        }
        const removals = (['endpoint-permission', 'entity-permission'] as const).flatMap((entity) =>
          all(configuration, entity)
            .filter((entry) => [id(51), id(52)].includes(referenceIn(entry, 'role') ?? ''))
            .map((entry): Operation => ({
              kind: 'delete',
              entity,
              workspace: entry.workspace,
              at: entry.id,
            })),
        )
        await change(configuration, removals)
      },
    ),
    { numRuns: 60 },
  )
  expect(shown).toBeGreaterThan(0)
})

function expectLists(configuration: Configuration): void {
  const routes = all(configuration, 'route').toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const found = (request: Partial<ListRequest>): Entry[] =>
    configuration.list({ entity: 'route', workspace, ...request })
  const tagsOf = ({ fields }: Entry) => (fields['tags'] ?? []) as string[]
  expect(found({})).toEqual(routes)
  const after = routes[routes.length >> 1]?.id ?? ''
  expect(found({ after: { id: after, sortKey: '' } })).toEqual(
    routes.filter(({ id }) => id > after),
  )
  for (const { id } of all(configuration, 'service')) {
    const own = routes.filter((entry) => referenceIn(entry, 'service') === id)
    expect(found({ within: { field: 'service', id } })).toEqual(own)
  }
  const both = ['x', 'y']
  expect(found({ tags: { match: 'every', tags: both } })).toEqual(
    routes.filter((entry) => both.every((tag) => tagsOf(entry).includes(tag))),
  )
  expect(found({ tags: { match: 'any', tags: both }, after: { id: after, sortKey: '' } })).toEqual(
    routes.filter((entry) => entry.id > after && both.some((tag) => tagsOf(entry).includes(tag))),
  )
  expect(found({ tags: { match: 'every', tags: [] } })).toEqual(
    routes.filter((entry) => tagsOf(entry).length > 0),
  )
  for (const entry of routes) {
    const at = String(entry.fields['name'])
    expect(configuration.find({ entity: 'route', workspace, at })).toEqual(entry)
  }
}

const all = (configuration: Configuration, entity: EntityName): Entry[] => [
  ...(configuration.current().entries.get(entity)?.values() ?? []),
]

const ids = ({ configuration }: TestAdmin): string[] =>
  all(configuration, 'route').map(({ id }) => id)

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index)

/** Items spread evenly over a list. */
const spread = <Item>(items: readonly Item[], count: number): Item[] =>
  range(0, Math.min(count, items.length)).map(
    (index) => items[Math.floor((index * items.length) / count)] as Item,
  )

const route = (number: number, body: Record<string, unknown> = {}): Operation => ({
  kind: 'create',
  entity: 'route',
  workspace,
  body: { name: `route-${number}`, paths: [`/${number}`], ...body },
})

const service = (name: string): Operation => ({
  kind: 'create',
  entity: 'service',
  workspace,
  body: { name, host: 'h' },
})

async function openAt(place: string): Promise<Configuration> {
  const store = await openStoreAt(place)
  const configuration = await openConfiguration({ store, catalog: [], compile: () => undefined })
  onTestFinished(() => configuration.close())
  return configuration
}

const change = (configuration: Configuration, operations: readonly Operation[]) =>
  configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations,
  })
