import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EntityName } from '../../entities/entities.ts'
import type { Entries, Entry, Touched } from '../../entities/entry.ts'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import { emptySnapshot, listNames, listsOf, type Snapshot } from '../../schema/snapshot.ts'
import { buildSnapshot, nextSnapshot } from '../../snapshot/build-snapshot.ts'
import { checkSnapshot } from '../../snapshot/check-snapshot.ts'
import { snapshotRoot } from '../../snapshot/snapshot-root.ts'
import { openIndexes, type EntryIndexes } from '../entry-indexes.ts'
import { openProof, snapshotSource } from './open-proof.ts'

/** A workspace, a number of few, and others by which fields differ. */
type Written = {
  readonly kind: keyof typeof kinds
  readonly home: 'w1' | 'w2'
  readonly number: number
  /** Number of the referenced entry; 9 does not exist, and 8 is in the other workspace. */
  readonly to: number
  readonly text: string
  readonly isRemoved: boolean
}

const written: fc.Arbitrary<Written> = fc.record({
  kind: fc.constantFrom(...(Object.keys(kindsOf()) as (keyof typeof kinds)[])),
  home: fc.constantFrom('w1', 'w2'),
  number: fc.nat(2),
  to: fc.oneof(
    { arbitrary: fc.nat(2), weight: 12 },
    { arbitrary: fc.constantFrom(8, 9), weight: 1 },
  ),
  text: fc.constantFrom('x', 'y'),
  isRemoved: fc.oneof(
    { arbitrary: fc.constant(false), weight: 3 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
})

const steps = fc.array(fc.array(written, { minLength: 1, maxLength: 4 }), { maxLength: 30 })

test('the next snapshot equals one that is built anew, and shares every item that stays equal', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      let indexes = openIndexes(new Map())
      let snapshot = emptySnapshot
      for (const batch of sequence) {
        const { next, touched } = applied(indexes, batch.map(withinWorkspace))
        const after = nextSnapshot(snapshot, snapshotSource(next), touched)
        const anew = buildSnapshot(next.entries)
        expect(listsOf(after)).toEqual(listsOf(anew))
        expect(snapshotRoot(after)).toBe(snapshotRoot(anew))
        expectShared(snapshot, after)
        ;[indexes, snapshot] = [next, after]
      }
    }),
    { numRuns: 300 },
  )
})

test('a proof by difference refuses the same snapshots as a complete check', () => {
  let refused = 0
  let accepted = 0
  fc.assert(
    fc.property(steps, (sequence) => {
      const proof = openProof(() => undefined)
      let indexes = applied(openIndexes(new Map()), places).next
      let snapshot = buildSnapshot(indexes.entries)
      runToCompletion(proof.prove(snapshot, indexes))()
      for (const batch of sequence) {
        const { next, touched } = applied(indexes, batch)
        const after = nextSnapshot(snapshot, snapshotSource(next), touched)
        const faultOfAll = faultOf(() => checkSnapshot(buildSnapshot(next.entries)))
        const fault = faultOf(() => void runToCompletion(proof.prove(after, next)))
        expect(fault === undefined).toBe(faultOfAll === undefined)
        // A proof that is not accepted is not the base of later ones.
        if (fault !== undefined) refused += 1
        else {
          runToCompletion(proof.prove(after, next))()
          accepted += 1
          ;[indexes, snapshot] = [next, after]
        }
      }
    }),
    { numRuns: 500 },
  )
  expect(Math.min(refused, accepted)).toBeGreaterThan(200)
})

test('hands the compiler every snapshot, and accepts those that are committed', () => {
  const calls: string[] = []
  const proof = openProof(() => {
    calls.push('compiled')
    return (function* () {
      yield
      return () => void calls.push('accepted')
    })()
  })
  const { next } = applied(openIndexes(new Map()), places)
  const accept = runToCompletion(proof.prove(buildSnapshot(next.entries), next))
  expect(calls).toEqual(['compiled'])
  accept()
  expect(calls).toEqual(['compiled', 'accepted'])
})

const kinds = kindsOf()

/** Kind of entity → the fields of an entry, by what it refers to. */
function kindsOf() {
  return {
    workspace: ({ text }: Fields) => ({ name: text }),
    service: ({ text, ref }: Fields) => ({
      name: text,
      client_certificate: text === 'x' ? null : ref('certificate'),
    }),
    route: ({ text, ref }: Fields) => ({
      name: text,
      service: text === 'x' ? null : ref('service'),
    }),
    consumer: ({ text }: Fields) => ({ username: text }),
    'consumer-group': ({ text }: Fields) => ({ name: text }),
    'group-member': ({ ref }: Fields) => ({
      consumer: ref('consumer'),
      consumer_group: ref('consumer-group'),
    }),
    acl: ({ text, ref }: Fields) => ({ group: text, consumer: ref('consumer') }),
    'key-auth': ({ text, ref }: Fields) => ({ key: text, ttl: null, consumer: ref('consumer') }),
    upstream: ({ text }: Fields) => ({ name: text, client_certificate: null }),
    target: ({ text, ref }: Fields) => ({
      target: text,
      weight: 1,
      failover: false,
      upstream: ref('upstream'),
    }),
    plugin: ({ text, ref }: Fields) => ({
      name: text,
      service: text === 'x' ? ref('service') : null,
      route: text === 'x' ? null : ref('route'),
    }),
    certificate: ({ text }: Fields) => ({ cert: text }),
    sni: ({ text, ref }: Fields) => ({ name: text, certificate: ref('certificate') }),
    'ca-certificate': ({ text }: Fields) => ({ cert: text }),
    vault: ({ text }: Fields) => ({ prefix: text, name: text, config: {} }),
  }
}

type Fields = { readonly text: string; readonly ref: (kind: string) => { readonly id: string } }

const isGlobal = (kind: string): boolean => kind === 'workspace' || kind === 'ca-certificate'

/** Entities that others are part of refer to their own workspace always; `draft.ts` sees to that. */
const withinWorkspace = (one: Written): Written => (one.to === 8 ? { ...one, to: 9 } : one)
const joined: ReadonlySet<string> = new Set(['group-member', 'acl', 'target'])

const places: readonly Written[] = (['w1', 'w2'] as const).map((home, number) => ({
  kind: 'workspace',
  home,
  number,
  to: 0,
  text: home,
  isRemoved: false,
}))

function entryOf(given: Written): readonly [EntityName, string, Entry | undefined] {
  const one = joined.has(given.kind) ? withinWorkspace(given) : given
  const { kind, home, number, text, isRemoved } = one
  const other = home === 'w1' ? 'w2' : 'w1'
  const ref = (target: string) => ({
    id: one.to === 8 ? `${other}-${target}-0` : `${home}-${target}-${one.to}`,
  })
  const id = kind === 'workspace' ? home : `${home}-${kind}-${number}`
  const workspace = isGlobal(kind) ? null : home
  const fields = { ...kinds[kind]({ text, ref }), tags: [text] }
  return [kind, id, isRemoved ? undefined : { id, workspace, createdAt: 1, updatedAt: 2, fields }]
}

function applied(
  indexes: EntryIndexes,
  batch: readonly Written[],
): { readonly next: EntryIndexes; readonly touched: readonly Touched[] } {
  const entries = new Map<EntityName, RadixMap<Entry>>(indexes.entries)
  const touched = new Map<string, Touched>()
  for (const [entity, id, after] of batch.map(entryOf)) {
    const all = entries.get(entity) ?? RadixMap.empty<Entry>()
    entries.set(entity, after === undefined ? all.without(id) : all.with(id, after))
    const before = indexes.entries.get(entity)?.get(id)
    touched.set(`${entity} ${id}`, { entity, id, before, after })
  }
  const list = [...touched.values()]
  return { next: indexes.next(entries as Entries, list), touched: list }
}

function expectShared(before: Snapshot, after: Snapshot): void {
  for (const list of listNames) {
    const was: RadixMap<object> = before[list]
    const copied = [...(after[list] as RadixMap<object>)].filter(([id, item]) => {
      const old = was.get(id)
      return old !== undefined && old !== item && JSON.stringify(old) === JSON.stringify(item)
    })
    expect(copied).toEqual([])
  }
}

function faultOf(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}
