import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runToCompletion } from './cooperative-task.ts'
import { parseJsonTask, type JsonLimits } from './parse-json.ts'

const limits: JsonLimits = { depth: 64, values: 1e6, members: 1e6, characters: 1e6 }
const parse = (text: string, given: Partial<JsonLimits> = {}): unknown =>
  runToCompletion(parseJsonTask(text, { ...limits, ...given }))

const outcomeOf = (act: () => unknown): unknown => {
  try {
    return { value: act() }
  } catch {
    return 'invalid'
  }
}

/** JSON.parse, without texts that have a member `__proto__`. */
const parseByPlatform = (text: string): unknown =>
  JSON.parse(text, (name, value: unknown) => {
    if (name === '__proto__') throw new SyntaxError(name)
    return value
  })

/** The outcomes of this parser and of the platform's. */
const outcomes = (text: string): unknown[] => [
  outcomeOf(() => parse(text)),
  outcomeOf(() => parseByPlatform(text)),
]

const isSame = (text: string): boolean => {
  const [own, platform] = outcomes(text)
  return isDeepStrictEqual(own, platform)
}

test('parses every JSON text as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(3), (text, indent) => {
      expect(isSame(text)).toBe(true)
      expect(isSame(JSON.stringify(JSON.parse(text), null, indent))).toBe(true)
    }),
    // fast-check writes `__proto__` in one text of some hundreds.
    { examples: [['[{"__proto__":false}]', 0]] },
  )
})

test('rejects exactly the texts that JSON.parse rejects', () => {
  const edit = fc.record({
    at: fc.nat(200),
    cut: fc.nat(2),
    put: fc.constantFrom('', ...'{}[]",:\\ 0e.-\u0001'.split('')),
  })
  fc.assert(
    fc.property(fc.json(), edit, (text, { at, cut, put }) => {
      const start = at % (text.length + 1)
      const edited = text.slice(0, start) + put + text.slice(start + cut)
      expect([edited, isSame(edited)]).toEqual([edited, true])
    }),
    { numRuns: 2000 },
  )
  for (const text of [
    '',
    ' ',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '"\\"',
    '"\\u12"',
    '"\n"',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    'nul',
    '\u00a01',
    '[1]]',
    '"\\\\"',
    '"\\\\\\""',
  ])
    expect([text, isSame(text)]).toEqual([text, true])
})

test('names the limit that a text exceeds', () => {
  const because = (text: string, given: Partial<JsonLimits>): unknown => {
    try {
      return parse(text, given)
    } catch (error) {
      return (error as { detail?: { because?: string } }).detail?.because
    }
  }
  expect(because('[[[]]]', { depth: 2 })).toBe('A body has at most 2 levels.')
  expect(because('[[1],[2,3]]', { values: 4 })).toBe('A body has at most 4 values.')
  expect(because('{"a":1,"b":1,"a":1}', { members: 2 })).toBe(
    'An object of a body has at most 2 members.',
  )
  expect(because('["abc"]', { characters: 4 })).toBe('A string in a body has at most 4 characters.')
  expect(because('[["abc",1],2]', { depth: 2, values: 4, characters: 5 })).toEqual([['abc', 1], 2])
})

test('suspends a long text after every 500 values', () => {
  const task = parseJsonTask(`[${'1,'.repeat(9_999)}1]`, limits)
  let suspensions = 0
  while (task.next().done !== true) suspensions += 1
  expect(suspensions).toBe(20)
})
