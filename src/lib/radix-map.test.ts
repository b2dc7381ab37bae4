import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RadixMap } from './radix-map.ts'

const key = fc.oneof(
  fc.uuid(),
  fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', 'c', 'é') }),
  fc
    .integer({ min: 0, max: 200 })
    .map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`),
)
const change = fc.record({ key, value: fc.option(fc.nat(9), { nil: undefined }) })
const changes = fc.array(change, { maxLength: 400, size: 'max' })

const sorted = (model: ReadonlyMap<string, number>): [string, number][] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : 1))

function apply(
  map: RadixMap<number>,
  model: Map<string, number>,
  list: readonly { key: string; value: number | undefined }[],
): RadixMap<number> {
  let next = map
  for (const one of list) {
    if (one.value === undefined) {
      next = next.without(one.key)
      model.delete(one.key)
    } else {
      next = next.with(one.key, one.value)
      model.set(one.key, one.value)
    }
  }
  return next
}

test('contains the same entries as a map after any changes, in order, and leaves earlier maps unchanged', () => {
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const model = new Map<string, number>()
      const early = apply(RadixMap.empty(), model, first)
      const then = sorted(model)
      const late = apply(early, model, second)
      expect([...early]).toEqual(then)
      expect([...late]).toEqual(sorted(model))
      expect(late.size).toBe(model.size)
      expect([...late.keys()]).toEqual(sorted(model).map(([name]) => name))
      for (const { key: name } of [...first, ...second]) {
        expect(late.get(name)).toBe(model.get(name))
        expect(late.has(name)).toBe(model.has(name))
      }
    }),
  )
})

const shape = (map: RadixMap<number>): string =>
  map.fold(new WeakMap(), {
    leaf: (values) => [values.join(',')],
    branch: (codes, parts: string[][]) => [`(${codes.join(' ')}: ${parts.flat().join('|')})`],
  })[0] ?? ''

test('has a shape that follows from its entries alone', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const model = new Map<string, number>()
      const map = apply(RadixMap.empty(), model, list)
      expect(shape(map)).toBe(shape(RadixMap.from(model)))
    }),
  )
})

test('batched changes give the same entries and shape as single changes', () => {
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const model = new Map<string, number>()
      const start = apply(RadixMap.empty(), model, first)
      const at = new Map(second.map((one) => [one.key, one.value] as const))
      const together = start.withChanges(at)
      const oneByOne = apply(start, model, second)
      expect([...together]).toEqual([...oneByOne])
      expect(shape(together)).toBe(shape(oneByOne))
      expect(together.withChanges(at)).toBe(together)
      expect(together.size).toBe(model.size)
    }),
  )
})

test('compares two maps as a comparison of all entries does', () => {
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const model = new Map<string, number>()
      const before = apply(RadixMap.empty(), model, first)
      const was = new Map(model)
      const after = apply(before, model, second)
      const expected = [...new Set([...was.keys(), ...model.keys()])]
        .filter((name) => was.get(name) !== model.get(name))
        .sort()
      expect([...before.differencesTo(after)]).toEqual(
        expected.map((name) => ({ key: name, before: was.get(name), after: model.get(name) })),
      )
    }),
  )
})

test('folds the values under a prefix', () => {
  const known = new WeakMap<object, number>()
  const sum = (parts: readonly number[]): number => parts.reduce((a, b) => a + b, 0)
  const steps = {
    leaf: sum,
    branch: (_: readonly number[], parts: readonly number[]) => sum(parts),
  }
  fc.assert(
    fc.property(changes, (list) => {
      const model = new Map<string, number>()
      const map = apply(RadixMap.empty(), model, list)
      for (const prefix of ['', ...[...model.keys()].flatMap((name) => [name, name.slice(0, 2)])]) {
        const expected = [...model].filter(([name]) => name.startsWith(prefix))
        expect(map.foldUnder(prefix, known, steps)).toBe(sum(expected.map(([, value]) => value)))
      }
    }),
    { numRuns: 30 },
  )
})

test('comparing and folding skips the nodes that two maps share', () => {
  const names = Array.from({ length: 20_000 }, (_, n) => crypto.randomUUID().slice(0, 30) + n)
  const map = RadixMap.from(names.map((name, n) => [name, n] as const))
  let folded = 0
  const known = new WeakMap<object, { sum: number }>()
  const steps = {
    leaf(values: readonly number[]) {
      folded += 1
      return { sum: values.reduce((a, b) => a + b, 0) }
    },
    branch(_: readonly number[], parts: readonly { sum: number }[]) {
      folded += 1
      return { sum: parts.reduce((a, b) => a + b.sum, 0) }
    },
  }
  const { sum } = map.fold(known, steps)
  folded = 0
  const next = map.with(names[7] ?? '', 1_000_007)
  expect(next.fold(known, steps).sum).toBe(sum + 1_000_000)
  expect(folded).toBeLessThan(8)
  expect([...map.differencesTo(next)]).toEqual([{ key: names[7], before: 7, after: 1_000_007 }])
})
