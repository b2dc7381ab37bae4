import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  changeKey,
  findPrefixes,
  findSuffixes,
  valueIgnoringCase,
  valueOf,
  type Prefix,
  type PrefixTree,
} from './prefix-tree.ts'

type Value = { readonly number: number }

const text = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '/', 'é', '\ud83d') })
const changes = fc.array(fc.tuple(text, fc.boolean()), { maxLength: 60 })

function apply(list: readonly (readonly [string, boolean])[]) {
  let tree: PrefixTree<Value>
  const model = new Map<string, Value>()
  const earlier: (readonly [PrefixTree<Value>, ReadonlyMap<string, Value>])[] = []
  for (const [number, [key, isAdded]] of list.entries()) {
    const value = isAdded ? { number } : undefined
    tree = changeKey(tree, key, (before) => {
      expect(before).toBe(model.get(key))
      return value
    })
    if (value === undefined) model.delete(key)
    else model.set(key, value)
    earlier.push([tree, new Map(model)])
  }
  return { tree, model, earlier }
}

function chain(longest: Prefix<Value> | undefined): Value[] {
  const values: Value[] = []
  for (let prefix = longest; prefix !== undefined; prefix = prefix.shorter)
    values.push(prefix.value)
  return values
}

const reversed = (key: string): string => key.split('').reverse().join('')

test('finds the same keys and prefixes as a map, after every change', () => {
  fc.assert(
    fc.property(changes, fc.array(text, { minLength: 10, maxLength: 20 }), (list, texts) => {
      for (const [tree, model] of apply(list).earlier) {
        for (const asked of [...texts, ...model.keys()]) {
          const expected = [...model]
            .filter(([key]) => asked.startsWith(key))
            .toSorted(([a], [b]) => b.length - a.length)
          expect(valueOf(tree, asked)).toBe(model.get(asked))
          expect(valueIgnoringCase(tree, asked.replace(/[ab]/g, upperCase))).toBe(model.get(asked))
          expect(chain(findPrefixes(tree, asked))).toEqual(expected.map(([, value]) => value))
          expect(findPrefixes(tree, asked)?.length).toBe(expected[0]?.[0].length)
          expect(findSuffixes(tree, reversed(asked))).toEqual(findPrefixes(tree, asked))
        }
      }
    }),
    { numRuns: 50 },
  )
})

const upperCase = (letter: string): string => letter.toUpperCase()

test('has a shape that follows from its keys alone', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const { tree, model } = apply(list)
      let other: PrefixTree<Value>
      for (const [key, value] of model) other = changeKey(other, key, () => value)
      expect(tree).toEqual(other)
    }),
  )
})

test('stays the same when nothing changes', () => {
  const { tree, model } = apply([
    ['/a/b', true],
    ['/a/c', true],
    ['/a', true],
  ])
  expect(changeKey(tree, '/a/b', (value) => value)).toBe(tree)
  for (const key of ['/a/b/c', '/a/', '/', '/b', ''])
    expect(changeKey(tree, key, () => undefined)).toBe(tree)
  expect(model.size).toBe(3)
})

test('supports a chain of keys that is deeper than the stack', () => {
  let tree: PrefixTree<Value>
  const key = '/'.repeat(10_000)
  for (let length = key.length; length > 0; length -= 1)
    tree = changeKey(tree, key.slice(0, length), () => ({ number: length }))
  tree = changeKey(tree, key, () => ({ number: 0 }))
  expect(valueOf(tree, key)).toEqual({ number: 0 })
  expect(chain(findPrefixes(tree, key))).toHaveLength(key.length)
  for (let length = 1; length <= key.length; length += 1)
    tree = changeKey(tree, key.slice(0, length), () => undefined)
  expect(tree).toBeUndefined()
})
