import type { EntityName } from '../entities/entities.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entries, Entry } from '../entities/entry.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import { checkSnapshot } from './check-snapshot.ts'
import {
  listsOf,
  snapshotOf,
  type Seal,
  type Snapshot,
  type SnapshotItem,
  type SnapshotLists,
} from '../schema/snapshot.ts'
import { snapshotRoot } from './snapshot-root.ts'
import { generateSealKey, publicKeyOf, sealRoot, verifyRoot } from './seal-snapshot.ts'

const snapshotText = (snapshot: Snapshot): string => canonicalText(listsOf(snapshot))

const workspaces = ['w1', 'w2']
const entries = fc
  .record({
    services: fc.uniqueArray(fc.uuid(), { maxLength: 6 }),
    routes: fc.uniqueArray(fc.uuid(), { maxLength: 6 }),
    consumers: fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 4 }),
    keys: fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 4 }),
    seed: fc.nat(),
  })
  .map(({ services, routes, consumers, keys, seed }) => {
    const home = (index: number): string => workspaces[(index + seed) % 2] ?? ''
    const near = (ids: readonly string[], place: string): { id: string } | null => {
      const id = ids.find((_one, index) => home(index) === place)
      return id === undefined ? null : { id }
    }
    return all({
      workspace: workspaces.map((id) => entry(id, null, { name: id })),
      service: services.map((id, index) =>
        entry(id, home(index), { name: `s${index}`, tags: ['t'] }),
      ),
      route: routes.map((id, index) =>
        entry(id, home(index), { name: `r${index}`, service: near(services, home(index)) }),
      ),
      consumer: consumers.map((id, index) => entry(id, home(index), { username: `c${index}` })),
      'key-auth': keys.map((key, index) =>
        entry(`k${index}`, home(0), { key, ttl: null, consumer: { id: consumers[0] ?? '' } }),
      ),
      acl: ['b', 'a'].map((group) =>
        entry(group, home(0), { group, consumer: { id: consumers[0] } }),
      ),
    })
  })

test('builds the same bytes from the same configuration, regardless of the order of changes', () => {
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), (made, stream) => {
      const shuffled = new Map(
        [...made].map(([name, list]) => [name, RadixMap.from(shuffle([...list], stream))] as const),
      )
      expect(snapshotText(buildSnapshot(shuffled))).toBe(snapshotText(buildSnapshot(made)))
    }),
  )
})

test('snapshots have the same root when they are equal, and only then', () => {
  fc.assert(
    fc.property(entries, entries, (one, other) => {
      const [a, b] = [buildSnapshot(one), buildSnapshot(other)]
      const copy = snapshotOf(JSON.parse(JSON.stringify(listsOf(a))) as SnapshotLists)
      expect(snapshotRoot(copy)).toBe(snapshotRoot(a))
      expect(snapshotRoot(a) === snapshotRoot(b)).toBe(snapshotText(a) === snapshotText(b))
    }),
  )
})

test('the root after changes is that of a snapshot made anew', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uuid(), fc.nat(3)), { maxLength: 200, size: 'max' }),
      (changes) => {
        let services = snapshotOf({}).services
        for (const [id, port] of changes) {
          const item = { id, port } as unknown as SnapshotItem<'services'>
          services = port === 0 ? services.without(id) : services.with(id, item)
          const snapshot = { ...snapshotOf({}), services }
          const anew = snapshotOf(JSON.parse(JSON.stringify(listsOf(snapshot))) as SnapshotLists)
          expect(snapshotRoot(snapshot)).toBe(snapshotRoot(anew))
        }
      },
    ),
    { numRuns: 10 },
  )
})

test('verifies a signed root with its key only, and only the snapshot that was signed', () => {
  const key = generateSealKey()
  fc.assert(
    fc.property(entries, entries, (made, other) => {
      const [snapshot, changed] = [buildSnapshot(made), buildSnapshot(other)]
      const seal = sealRoot(snapshot, 7, key)
      const check =
        (of: Snapshot, by: Seal, publicKey = publicKeyOf(key)) =>
        () =>
          verifyRoot(of, by, publicKey)
      const refused = /seal of revision/
      expect(check(snapshot, seal)).not.toThrow()
      expect(check(snapshot, { ...seal, revision: 8 })).toThrow(refused)
      expect(check(snapshot, { ...seal, root: 'x' })).toThrow(refused)
      expect(check(snapshot, { ...seal, signature: '' })).toThrow(refused)
      expect(check(snapshot, seal, publicKeyOf(generateSealKey()))).toThrow(refused)
      fc.pre(snapshotText(snapshot) !== snapshotText(changed))
      expect(check(changed, seal)).toThrow(refused)
    }),
    { numRuns: 20 },
  )
})

test('builds a valid snapshot without secrets or tags', () => {
  fc.assert(
    fc.property(entries, (made) => {
      const snapshot = buildSnapshot(made)
      checkSnapshot(snapshot)
      const text = snapshotText(snapshot)
      expect(text).not.toContain('"tags"')
      for (const { sha256 } of snapshot.keys.values()) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect([...snapshot.keys.values()].some((key) => 'key' in key)).toBe(false)
      expect(listsOf(snapshot).consumers.flatMap(({ groups }) => groups)).toEqual(['a', 'b'])
    }),
  )
})

test('refuses references into another workspace or to nothing', () => {
  const service = entry('s', 'w1', { name: 's' })
  const build = (place: string, id: string) =>
    buildSnapshot(
      all({
        workspace: workspaces.map((one) => entry(one, null, { name: one })),
        service: [service],
        route: [entry('r', place, { service: { id } })],
      }),
    )
  expect(() => checkSnapshot(build('w1', 's'))).not.toThrow()
  expect(() => checkSnapshot(build('w2', 's'))).toThrow(/of another workspace/)
  expect(() => checkSnapshot(build('w1', 'x'))).toThrow(/do not exist/)
  expect(() => checkSnapshot(build('w3', 's'))).toThrow(/workspaces 'w3'/)
})

test.each([
  ['service', 'client_certificate', 'certificate'],
  ['route', 'service', 'service'],
  ['upstream', 'client_certificate', 'certificate'],
  ['plugin', 'service', 'service'],
  ['plugin', 'route', 'route'],
  ['plugin', 'consumer', 'consumer'],
  ['plugin', 'consumer_group', 'consumer-group'],
  ['sni', 'certificate', 'certificate'],
  ['key-auth', 'consumer', 'consumer'],
])('refuses a %s whose %s is of another workspace', (name, field, target) => {
  const build = (place: string) => {
    const lists = { workspace: workspaces.map((one) => entry(one, null, { name: one })) }
    const referred = entry('a', place, {})
    const referring = entry('b', 'w1', { [field]: { id: 'a' }, key: 'k', ttl: null })
    const same = name === target ? [referred, referring] : [referring]
    return buildSnapshot(all({ ...lists, [target]: [referred], [name]: same }))
  }
  expect(() => checkSnapshot(build('w1'))).not.toThrow()
  expect(() => checkSnapshot(build('w2'))).toThrow(/of another workspace/)
})

test('sets the expiry of a key to its creation plus its ttl', () => {
  const keys = [
    entry('k1', 'w1', { key: 'one', ttl: 60, consumer: { id: 'c' } }),
    entry('k2', 'w1', { key: 'two', ttl: null, consumer: { id: 'c' } }),
  ]
  const snapshot = buildSnapshot(all({ 'key-auth': keys }))
  expect(listsOf(snapshot).keys.map(({ expires_at: expires }) => expires)).toEqual([61, null])
})

function entry(id: string, workspace: string | null, fields: Record<string, unknown>): Entry {
  return { id, workspace, createdAt: 1, updatedAt: 2, fields }
}

function all(lists: Partial<Record<EntityName, readonly Entry[]>>): Entries {
  return new Map(
    Object.entries(lists).map(([name, list]) => [
      name as EntityName,
      RadixMap.from(list.map((one) => [one.id, one] as const)),
    ]),
  )
}

function shuffle<T>(list: readonly T[], numbers: Iterator<number>): T[] {
  return list
    .map((one) => [Number(numbers.next().value), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)
}
