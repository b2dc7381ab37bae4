import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '../lib/problem.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'
import { openSnapshotReader } from './read-delta.ts'
import { renderDelta, type SealedState } from './render-delta.ts'
import { generateSealKey, publicKeyOf, sealRoot, verifyRoot } from './seal-snapshot.ts'
import { snapshotRoot } from './snapshot-root.ts'

const key = generateSealKey()
const publicKey = publicKeyOf(key)

/** Ids with the text that their items contain. */
const items = fc.dictionary(fc.uuid(), fc.string({ unit: 'binary' }), { maxKeys: 60, size: 'max' })
const snapshots = fc
  .record({ services: items, routes: items })
  .map(({ services, routes }) => build(services, routes))

function build(
  services: Readonly<Record<string, string>>,
  routes: Readonly<Record<string, string>> = {},
): Snapshot {
  const list = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([id, name]) => ({ name, id, '\n': [{ b: 1, a: name }] }))
  return snapshotOf({
    services: list(services) as unknown as SnapshotItem<'services'>[],
    routes: list(routes) as unknown as SnapshotItem<'routes'>[],
  })
}

const seal = (snapshot: Snapshot, revision: number): SealedState => ({
  snapshot,
  seal: sealRoot(snapshot, revision, key),
})
const known = ({ snapshot, seal: { revision, root } }: SealedState) => ({
  snapshot,
  revision,
  root,
})
const linesOf = (from: SealedState | undefined, to: SealedState): string[] =>
  [...renderDelta(from && known(from), to)].join('').trimEnd().split('\n')

test('the lines of a delta lead from one snapshot to the other', () => {
  fc.assert(
    fc.property(fc.array(snapshots, { minLength: 1, maxLength: 5 }), fc.nat(1), (all, whole) => {
      const sender = all.map((snapshot, revision) => seal(snapshot, revision))
      const reader = openSnapshotReader()
      sender.forEach((to, at) => {
        const from = at % 2 < whole ? undefined : sender[at - 1]
        const lines = linesOf(from, to)
        const results = lines.map((line) => reader.read(line))
        expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true)
        const received = results.at(-1)
        expect(received?.seal).toEqual(to.seal)
        verifyRoot(received?.snapshot as Snapshot, to.seal, publicKey)
      })
    }),
    { numRuns: 50 },
  )
})

test('a delta contains what differs only', () => {
  const ids = Array.from({ length: 2_000 }, (_, at) => [`id-${at}`, 'x'.repeat(200)] as const)
  const before = seal(build(Object.fromEntries(ids)), 1)
  const services = before.snapshot.services.without('id-7')
  const changed = { ...services.get('id-8'), name: 'y' } as SnapshotItem<'services'>
  const after = seal({ ...before.snapshot, services: services.with('id-8', changed) }, 2)
  const lines = linesOf(before, after)
  expect(lines).toHaveLength(5)
  expect(lines.join('\n').length).toBeLessThan(1_500)
})

test('parts are of bounded length, and a large item is alone in its part', () => {
  const texts = Array.from({ length: 3_000 }, (_, at) => [`id-${at}`, 'x'.repeat(200)])
  const services: Record<string, string> = Object.fromEntries([...texts, ['id-9', large]])
  const parts = [...renderDelta(undefined, seal(build(services), 1))]
  const lengths = parts.map(({ length }) => length)
  expect(lengths.filter((length) => length > 200_000)).toHaveLength(1)
  expect(parts.length).toBeGreaterThan(10)
  for (const part of parts) expect(part.endsWith('\n')).toBe(true)
  const removal = [...renderDelta(known(seal(build(services), 1)), seal(build({}), 2))]
  expect(removal.every(({ length }) => length < 200_000)).toBe(true)
})

const large = 'x'.repeat(1_000_000)

test('a whole snapshot shares the items that the base has', () => {
  const base = seal(build({ a: '1', b: '2' }), 1)
  const reader = openSnapshotReader(base)
  const next = seal(build({ a: '1', b: '3' }), 2)
  const received = linesOf(undefined, next).map((line) => reader.read(line))
  const services = received.at(-1)?.snapshot.services
  expect(services?.get('a')).toBe(base.snapshot.services.get('a'))
  expect(services?.get('b')).toEqual(next.snapshot.services.get('b'))
})

/** The result of a function; undefined when it throws a Problem. */
function resultOf<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof Problem) return undefined
    throw error
  }
}

const isVerified = ({ snapshot, seal: given }: SealedState): boolean =>
  resultOf(() => verifyRoot(snapshot, given, publicKey) ?? true) === true

test('lost, repeated, exchanged or changed lines are refused, or lead to another root', () => {
  const damages = fc.constantFrom<(lines: string[], at: number) => string[]>(
    (lines, at) => lines.toSpliced(at, 1),
    (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
    (lines, at) => lines.with(at, lines.at(at - 1) ?? '').with(at - 1, lines[at] ?? ''),
    (lines, at) => lines.with(at, (lines[at] ?? '').slice(0, -3)),
    (lines, at) => lines.with(at, (lines[at] ?? '').replace(/[a-z]/, 'q')),
    (lines, at) => lines.with(at, 'null'),
  )
  fc.assert(
    fc.property(snapshots, snapshots, damages, fc.nat(), (before, after, damage, position) => {
      const [from, to] = [seal(before, 1), seal(after, 2)]
      const lines = linesOf(from, to)
      const reader = openSnapshotReader(from)
      const read = (): SealedState | undefined =>
        damage(lines, position % lines.length)
          .map((line) => reader.read(line))
          .at(-1)
      const result = resultOf(read)
      fc.pre(result !== undefined)
      const { snapshot, seal: given } = result
      expect(isVerified(result)).toBe(
        snapshotRoot(snapshot) === to.seal.root &&
          given.revision === 2 &&
          given.signature === to.seal.signature &&
          given.root === to.seal.root,
      )
    }),
    { numRuns: 300 },
  )
})

test.each([
  ['another format', { type: 'begin', format: 3, lists: [] }, /cannot read the format/],
  ['an unknown list', { type: 'put', list: 'widgets', count: 1 }, /not valid/],
  ['an unknown message', { type: 'move' }, /not valid/],
  ['a message outside of a delta', { type: 'end' }, /outside of a delta/],
  ['another base', { type: 'begin', format: 2, from: { revision: 4, root: 'x' } }, /continues/],
])('refuses %s', (_, message, reason) => {
  const { seal: ofNext } = seal(build({}), 2)
  const line = JSON.stringify({ seal: ofNext, ...message })
  expect(() => openSnapshotReader(seal(build({}), 1)).read(line)).toThrow(reason)
})

test('refuses an item without an id, and a delta within another one', () => {
  const begin = linesOf(undefined, seal(build({}), 1))[0] ?? ''
  const reader = openSnapshotReader()
  reader.read(begin)
  expect(() => reader.read(begin)).toThrow(/within another/)
  reader.read('{"type":"put","list":"routes","count":1}')
  expect(() => reader.read('{"name":"x"}')).toThrow(/without an id/)
})
