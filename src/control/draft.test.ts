import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { referenceIn, type Entries, type Entry } from '../entities/entry.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { referrersOf } from './configuration-view.ts'
import { openDraft } from './draft.ts'
import { openIndexes, type IndexName } from './entry-indexes.ts'

const change = fc.record({
  entity: fc.constantFrom<EntityName>('service', 'route', 'plugin'),
  id: fc.nat(9).map(String),
  workspace: fc.constantFrom('w1', 'w2'),
  name: fc.constantFrom('a', 'b', null),
  to: fc.nat(3).map(String),
  isRemoved: fc.boolean(),
})

type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

const entryOf = ({ id, workspace, name, to }: Change): Entry => ({
  id,
  workspace,
  createdAt: 1,
  updatedAt: 1,
  fields: { name, instance_name: name, service: { id: to }, route: null, tags: ['t'] },
})

test('indexes return the entries of the draft, and the original stays unchanged', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 30 }),
      fc.array(change, { maxLength: 30 }),
      (first, second) => {
        const start = openIndexes(written(new Map(), first))
        const original = listed(start.entries)
        const draft = openDraft(start)
        for (const one of second) {
          if (one.isRemoved) draft.remove(one.entity, one.id)
          else draft.put(one.entity, entryOf(one))
          expectIndexes((range) => draft.scan(range), draft.entries)
        }
        const model = written(start.entries, second)
        expect(listed(draft.entries)).toEqual(listed(model))
        expect(listed(start.entries)).toEqual(original)
        const touched = draft.touched()
        expect(new Set(touched.map(({ entity, id }) => `${entity} ${id}`))).toEqual(
          new Set(differences(start.entries, model)),
        )
        expectIndexes((range) => start.next(draft.entries, touched).scan(range), draft.entries)
      },
    ),
    { numRuns: 200 },
  )
})

const references = entities.flatMap((entity: Entity) =>
  Object.entries(entity.refersTo).map(([field, target]) => [entity.name, field, target] as const),
)

test.each(references)('finds a %s by its %s', (name, field, target) => {
  const home = (kind: EntityName): string | null => (entityNamed(kind).inWorkspace ? 'w1' : null)
  const entry = (id: string, kind: EntityName, fields: Record<string, unknown>): Entry => ({
    id,
    workspace: home(kind),
    createdAt: 1,
    updatedAt: 1,
    fields,
  })
  const [child, other] = ['t', 'u'].map((id) => entry(`of ${id}`, name, { [field]: { id } }))
  const start = openIndexes(new Map())
  const draft = openDraft(start)
  for (const one of [child, other]) draft.put(name, one as Entry)
  const parent = { id: 't', workspace: home(target) }
  const next = start.next(draft.entries, draft.touched())
  for (const view of [draft, next, openDraft(next)])
    expect([...referrersOf(view, name, field, parent)]).toEqual([child])
})

function written(entries: Entries, changes: readonly Change[]): Entries {
  const next = new Map(entries)
  for (const one of changes) {
    const all = next.get(one.entity) ?? RadixMap.empty<Entry>()
    next.set(one.entity, one.isRemoved ? all.without(one.id) : all.with(one.id, entryOf(one)))
  }
  return next
}

const listed = (entries: Entries): readonly Entry[] =>
  [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, all]) => [...all.values()])

const differences = (before: Entries, after: Entries): string[] =>
  [...after].flatMap(([entity, all]) =>
    [...(before.get(entity) ?? RadixMap.empty<Entry>()).differencesTo(all)].map(
      ({ key }) => `${entity} ${key}`,
    ),
  )

type Scan = ReturnType<typeof openIndexes>['scan']

/** Every index finds what a search through all entries finds. */
function expectIndexes(scan: Scan, entries: Entries): void {
  for (const entity of ['service', 'route', 'plugin'] as const) {
    const all = [...(entries.get(entity)?.values() ?? [])]
    const expectKey = (
      index: IndexName,
      key: string,
      workspace: string | null,
      isFound: (entry: Entry) => boolean,
    ): void => {
      const here = all.filter((one) => workspace === null || one.workspace === workspace)
      expect([...scan({ entity, workspace, index, key })]).toEqual(here.filter(isFound))
    }
    for (const home of ['w1', 'w2']) {
      expectKey('all', '', home, () => true)
      expectKey('tag', 't', home, () => true)
      expectKey('field:name', 'a', home, ({ fields }) => fields['name'] === 'a')
      if (entity !== 'service')
        expectKey('reference:service', '1', home, (one) => referenceIn(one, 'service') === '1')
    }
    expectKey('anywhere:name', 'a', null, ({ fields }) => fields['name'] === 'a')
  }
  const key = JSON.stringify(['w1', 'a', '1', null, null, null])
  const index = 'unique:name,service,route,consumer,consumer_group'
  const found = scan({ entity: 'plugin', workspace: 'w1', index, key })
  const isSame = ({ workspace, fields }: Entry): boolean =>
    workspace === 'w1' && fields['name'] === 'a' && (fields['service'] as Entry).id === '1'
  expect([...found]).toEqual([...(entries.get('plugin')?.values() ?? [])].filter(isSame))
}
