import type { EntityName } from '../entities/entities.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entries, Entry } from '../entities/entry.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import { checkSnapshot } from './check-snapshot.ts'
import { diffSnapshots } from './diff-snapshots.ts'
import { snapshotText } from './snapshot-text.ts'
import { makeSealKey, publicKeyOf, sealSnapshot, verifySeal } from './seal-snapshot.ts'

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

test('the same configuration is the same bytes, in whatever order it was made', () => {
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), (made, stream) => {
      const shuffled = new Map(
        [...made].map(([name, list]) => [name, new Map(shuffle([...list], stream))] as const),
      )
      expect(canonicalText(buildSnapshot(shuffled))).toBe(canonicalText(buildSnapshot(made)))
    }),
  )
})

test('the text of a snapshot that has much in common with the one before is its canonical text', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.string()), (made, names) => {
      expect(snapshotText(buildSnapshot(made))).toBe(canonicalText(buildSnapshot(made)))
      const [[id, one] = []] = made.get('service') ?? []
      if (id === undefined || one === undefined) return
      for (const name of names) {
        const renamed = { ...one, fields: { ...one.fields, name } }
        const next: Entries = new Map([...made, ['service', new Map([[id, renamed]])]])
        expect(snapshotText(buildSnapshot(next))).toBe(canonicalText(buildSnapshot(next)))
      }
    }),
  )
})

test('what is built passes the check, and holds no secret and no tag', () => {
  fc.assert(
    fc.property(entries, (made) => {
      const snapshot = buildSnapshot(made)
      checkSnapshot(snapshot)
      const text = canonicalText(snapshot)
      expect(text).not.toContain('"tags"')
      for (const { sha256 } of snapshot.keys) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(snapshot.keys.some((key) => 'key' in key)).toBe(false)
      expect(snapshot.consumers.flatMap(({ groups }) => groups)).toEqual(['a', 'b'])
    }),
  )
})

test('a reference into another workspace or to nothing does not pass the check', () => {
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

test('a difference is what was added, taken away and changed', () => {
  fc.assert(
    fc.property(entries, entries, (before, after) => {
      const [was, is] = [buildSnapshot(before), buildSnapshot(after)]
      const found = diffSnapshots(was, is)
      expect(diffSnapshots(is, is)).toEqual([])
      const created = found.filter(({ kind, list }) => kind === 'created' && list === 'services')
      const isNew = ({ id }: { id: string }) => !was.services.some((service) => service.id === id)
      expect(created.map(({ id }) => id)).toEqual(is.services.filter(isNew).map(({ id }) => id))
      expect(found.length === 0).toBe(canonicalText(was) === canonicalText(is))
    }),
  )
})

test('a seal opens with its key only, and only what was sealed', () => {
  const key = makeSealKey()
  const publicKey = publicKeyOf(key)
  fc.assert(
    fc.property(entries, fc.nat(), (made, revision) => {
      const snapshot = buildSnapshot(made)
      const sealed = sealSnapshot(snapshot, revision, key)
      expect(verifySeal(sealed, publicKey)).toEqual(snapshot)
      const refused = /seal of revision/
      expect(() => verifySeal({ ...sealed, revision: revision + 1 }, publicKey)).toThrow(refused)
      expect(() => verifySeal({ ...sealed, body: `${sealed.body} ` }, publicKey)).toThrow(refused)
      expect(() => verifySeal(sealed, publicKeyOf(makeSealKey()))).toThrow(refused)
      expect(() => verifySeal({ ...sealed, signature: '' }, publicKey)).toThrow(refused)
    }),
    { numRuns: 20 },
  )
})

function entry(id: string, workspace: string | null, fields: Record<string, unknown>): Entry {
  return { id, workspace, createdAt: 1, updatedAt: 2, fields }
}

function all(lists: Partial<Record<EntityName, readonly Entry[]>>): Entries {
  return new Map(
    Object.entries(lists).map(([name, list]) => [
      name as EntityName,
      new Map(list.map((one) => [one.id, one])),
    ]),
  )
}

function shuffle<T>(list: readonly T[], numbers: Iterator<number>): T[] {
  return list
    .map((one) => [Number(numbers.next().value), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)
}
