import { expect, test } from 'vitest'
import { compileNfa } from './compile-nfa.ts'
import { maxCachedStates, openLazyDfa } from './lazy-dfa.ts'
import { parseRegex } from './parse-regex.ts'
import { Reader } from './reader.ts'

const open = (source: string) =>
  openLazyDfa(compileNfa(parseRegex(new Reader(source, ''), false)), false, '')

/** The bits of consecutive numbers as letters, which visits thousands of states of the expression below. */
const text = (from: number): string =>
  Array.from({ length: 400 }, (_, index) =>
    (from + index).toString(2).replaceAll('0', 'a').replaceAll('1', 'b'),
  ).join('')

test('keeps a bounded number of states for any texts', () => {
  const source = '[ab]*a[ab]{12}$'
  const dfa = open(source)
  for (const from of [1_000, 5_000, 70_000]) {
    const given = text(from)
    expect(dfa.test(given)).toBe(new RegExp(source).test(given))
    expect(dfa.test(`${given}c`)).toBe(false)
    expect(dfa.countStates()).toBeLessThanOrEqual(maxCachedStates + 1)
  }
})

test('clears its cache at most once per text', () => {
  const dfa = open('[ab]*a[ab]{12}$')
  dfa.test(text(1_000))
  expect(dfa.countStates()).toBe(maxCachedStates + 1)
})

test('reuses the states of earlier texts', () => {
  const dfa = open('/orders/\\d+')
  dfa.test('/orders/17')
  const states = dfa.countStates()
  for (let id = 10; id < 100; id += 1) dfa.test(`/orders/${id}`)
  expect(dfa.countStates()).toBe(states)
})
