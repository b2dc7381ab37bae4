import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { entities, entityNamed, type EntityName } from '../entities/entities.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { Operation } from '../entities/operation.ts'
import { runToCompletion } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { listNames, type Snapshot } from '../schema/snapshot.ts'
import { buildSnapshot, nextSnapshot } from '../snapshot/build-snapshot.ts'
import { sealRoot, generateSealKey } from '../snapshot/seal-snapshot.ts'
import { applyOperations } from './apply-operation.ts'
import { changeIndexes } from './change-indexes.ts'
import { openDraft } from './draft.ts'
import { openIndexes } from './entry-indexes.ts'
import { findEntry } from './find-entry.ts'
import { openProof, snapshotSource } from './state/open-proof.ts'
import { buildState } from './state/state.ts'

const workspace = defaultWorkspace.id
const sealKey = generateSealKey()

/** Entries of a configuration of 6,000 services that a change may read: its own and those near them in an index. */
const maxRead = 40
/** Nodes of a list that a change of one item may copy: those above it, and one that is split. */
const maxNodes = 25

const changes: readonly (readonly [string, readonly Operation[]])[] = [
  ['create a service', [{ kind: 'create', ...place('service'), body: { name: 'n', host: 'h' } }]],
  ['replace a service', [{ kind: 'replace', ...place('service', 's7'), body: { host: 'i' } }]],
  ['rename a route', [{ kind: 'update', ...place('route', 'r7'), body: { name: 'other' } }]],
  [
    'create a route by the name of its service',
    [
      {
        kind: 'create',
        ...place('route'),
        body: { name: 'n', paths: ['/n'], service: { name: 's9' } },
      },
    ],
  ],
  ['delete a route', [{ kind: 'delete', ...place('route', 'r8') }]],
  [
    'delete a service and its route without cascades',
    [
      { kind: 'remove', ...place('route', 'r8') },
      { kind: 'remove', ...place('service', 's8') },
    ],
  ],
  ['delete a consumer with its groups', [{ kind: 'delete', ...place('consumer', 'c7') }]],
  [
    'rename a group of one consumer',
    [{ kind: 'update', ...place('consumer-group', 'g7'), body: { name: 'x' } }],
  ],
  ['rename an upstream', [{ kind: 'update', ...place('upstream', 'u7'), body: { name: 'x' } }]],
  [
    'put a target',
    [
      {
        kind: 'create',
        ...place('target'),
        body: { target: '10.0.0.1:81', upstream: { name: 'u7' } },
      },
    ],
  ],
  ['create a role', [{ kind: 'create', ...place('role'), body: { name: 'x' } }]],
]

const read = new Set<object>()
const world = build(6_000)
const start = openIndexes(world)
await start.prepare(changeIndexes)
const snapshot = buildSnapshot(world)
const proof = openProof(() => undefined)
runToCompletion(proof.prove(snapshot, start))()
const state = buildState(start, snapshot, sealRoot(snapshot, 1, sealKey))
const folded = new WeakMap<object, object>()
countNodes(snapshot)

test.each(changes)('reads and copies few entries of many: %s', async (_name, operations) => {
  read.clear()
  const draft = openDraft(state.indexes)
  await applyOperations(draft, operations, { catalog: [], now: 1, mayRefer: () => true })
  const touched = draft.touched()
  const next = nextSnapshot(state.snapshot, snapshotSource(draft), touched)
  runToCompletion(proof.prove(next, draft))
  const seal = sealRoot(next, 2, sealKey)
  const after = buildState(state.indexes.next(draft.entries, touched), next, seal)
  expect(after.rightsOf(idOf('principal', 0))?.named.withName('services', 's11')).toHaveLength(1)
  expect(after.tokenOf('token 0')).toBeDefined()
  expect(findEntry(after.indexes, { entity: 'service', workspace, at: 'absent' })).toBeUndefined()
  expect(touched.length).toBeGreaterThan(0)
  expect(read.size).toBeLessThan(maxRead)
  expect(countNodes(next)).toBeLessThan(maxNodes)
})

test('an index that a change finds half built is not built anew, and follows the change', async () => {
  const indexes = openIndexes(world)
  const building = indexes.prepare([{ entity: 'service', index: 'segment' }])
  const draft = openDraft(indexes)
  await applyOperations(
    draft,
    [{ kind: 'update', ...place('service', 's7'), body: { name: 'renamed' } }],
    { catalog: [], now: 1, mayRefer: () => true },
  )
  const next = indexes.next(draft.entries, draft.touched())
  await building
  read.clear()
  await next.prepare([{ entity: 'service', index: 'segment' }])
  const found = (key: string) => [
    ...next.scan({ entity: 'service', workspace, index: 'segment', key }),
  ]
  expect(found('renamed')).toHaveLength(1)
  expect(found('s7')).toEqual([])
  expect(read.size).toBeLessThan(maxRead)
})

/** The nodes of the lists that were not counted before. */
function countNodes(lists: Snapshot): number {
  let nodes = 0
  const count = (): object => {
    nodes += 1
    return {}
  }
  for (const list of listNames) {
    const items: RadixMap<object> = lists[list]
    items.fold(folded, { leaf: count, branch: count })
  }
  return nodes
}

function idOf(entity: EntityName, number: number): string {
  const kind = String(entities.findIndex(({ name }) => name === entity)).padStart(4, '0')
  // Spread over the tree like random ids.
  const spread = createHash('sha256').update(String(number)).digest('hex').slice(0, 8)
  return `${spread}-${kind}-4000-8000-${String(number).padStart(12, '0')}`
}

function place<K extends EntityName>(entity: K, at?: string) {
  const home = entityNamed(entity).inWorkspace ? workspace : null
  return { entity, workspace: home, ...(at === undefined ? {} : { at }) }
}

/** Services with a route each, consumers in groups, upstreams with a target each, and principals. */
function build(size: number): Entries {
  const entries = new Map<EntityName, RadixMap<Entry>>()
  const add = (
    entity: EntityName,
    count: number,
    fieldsOf: (number: number) => Record<string, unknown>,
  ): void => {
    const all = Array.from({ length: count }, (_, number): [string, Entry] => {
      const id = idOf(entity, number)
      const fields = { ...defaultsOf(entity), ...fieldsOf(number) }
      return [id, counted({ id, ...metadata(entity), fields })]
    })
    entries.set(entity, RadixMap.from(all))
  }
  const ref = (entity: EntityName, number: number) => ({ id: idOf(entity, number) })
  const home = { name: defaultWorkspace.name, comment: null, meta: null, config: null }
  const root = { id: workspace, workspace: null, createdAt: 1, updatedAt: 1, fields: home }
  entries.set('workspace', RadixMap.from([[workspace, root]]))
  add('service', size, (number) => ({ name: `s${number}`, host: 'h' }))
  add('route', size, (number) => ({
    name: `r${number}`,
    paths: [`/${number}`],
    service: ref('service', number),
  }))
  add('consumer', size, (number) => ({ username: `c${number}` }))
  add('consumer-group', size, (number) => ({ name: `g${number}` }))
  add('group-member', size, (number) => ({
    consumer: ref('consumer', number),
    consumer_group: ref('consumer-group', number),
  }))
  add('acl', size, (number) => ({ group: 'a', consumer: ref('consumer', number) }))
  add('upstream', size, (number) => ({ name: `u${number}` }))
  add('target', size, (number) => ({ target: '10.0.0.1:80', upstream: ref('upstream', number) }))
  add('principal', size, (number) => ({ name: `p${number}`, groups: [], enabled: true }))
  add('token', size, (number) => ({
    name: 't',
    token: `token ${number}`,
    principal: ref('principal', number),
  }))
  add('role', size, (number) => ({ name: `role ${number}` }))
  add('grant', size, (number) => ({
    principal: ref('principal', number),
    role: ref('role', number),
  }))
  add('entity-permission', size, (number) => ({
    role: ref('role', number),
    entity_id: idOf('plugin', number),
    entity_type: 'plugins',
    actions: ['read'],
  }))
  return entries
}

function metadata(entity: EntityName) {
  const home = entityNamed(entity).inWorkspace ? workspace : null
  return { workspace: home, createdAt: 1, updatedAt: 1 }
}

/** The default of every field that has one, null for others. */
function defaultsOf(entity: EntityName): Record<string, unknown> {
  const shape = Object.entries(entityNamed(entity).fields.shape)
  return Object.fromEntries(
    shape.map(([field, type]) => [field, type.safeParse(undefined).data ?? null]),
  )
}

/** An entry that remembers that its fields were read. */
function counted({ fields, ...others }: Entry): Entry {
  return Object.defineProperty({ ...others }, 'fields', {
    enumerable: true,
    get() {
      read.add(fields)
      return fields
    },
  }) as Entry
}
