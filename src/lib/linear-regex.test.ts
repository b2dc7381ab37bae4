import vm from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linearRegex, regexError } from './linear-regex.ts'
import { compileNfa } from './regex/compile-nfa.ts'
import { findCaptures } from './regex/find-captures.ts'
import { openLazyDfa } from './regex/lazy-dfa.ts'
import { parseRegex } from './regex/parse-regex.ts'
import { Reader } from './regex/reader.ts'

const character = fc.constantFrom(
  'a',
  'b',
  'B',
  '.',
  '\\d',
  '\\w',
  '[ab]',
  '[^a]',
  '[a-c1]',
  '[ac]',
  '\\W',
  '\\.',
  '/',
)
const assertion = fc.constantFrom('^', '$', '\\b', '\\B')
const times = fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?', '+?', '??')

const { expression } = fc.letrec<{ expression: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    character,
    assertion,
    fc.tuple(character, times).map((both) => both.join('')),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `(?:${inner})`),
    fc.tuple(tie('expression'), times).map(([inner, often]) => `(?:${inner})${often}`),
  ),
  expression: fc
    .array(fc.array(tie('piece'), { maxLength: 4 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((pieces) => pieces.join('')).join('|')),
}))

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', 'B', 'c', '1', '/', '.', '\n', 'é'),
  maxLength: 12,
})

/** Backtracking engines and automata report different captures where a repeated part may be empty or contains a group; such expressions are compared for a match only. */
const isPlain = (source: string): boolean => !/\)[*+?{]/.test(source) && !/[$^]|\\[bB]/.test(source)

/** Milliseconds. The built-in engine backtracks: for one expression in a thousand it needs seconds or minutes for a dozen characters, and gives nothing to compare with. */
const patience = 250

const oracle = vm.createContext({ source: '', flags: '', given: '' })
const execute = new vm.Script('new RegExp(source, flags).exec(given)')

function execBuiltIn(source: string, flags: string, given: string): RegExpExecArray | null {
  Object.assign(oracle, { source, flags, given })
  try {
    return execute.runInContext(oracle, { timeout: patience }) as RegExpExecArray | null
  } catch (error) {
    fc.pre((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT')
    throw error
  }
}

test('matches and captures the same as the built-in engine', () => {
  fc.assert(
    fc.property(expression, text, fc.boolean(), (source, given, ignoreCase) => {
      const flags = ignoreCase ? 'iu' : 'u'
      const ours = linearRegex(source, { ignoreCase })
      const whole = linearRegex(`(?:${source})$`, { ignoreCase, anchored: true })
      const theirs = execBuiltIn(source, flags, given)
      expect(ours.test(given)).toBe(theirs !== null)
      expect(whole.test(given)).toBe(execBuiltIn(`^(?:${source})$`, flags, given) !== null)
      if (!isPlain(source)) return
      const found = ours.exec(given)
      expect(found && [found.start, ...found.groups]).toEqual(
        theirs === null ? undefined : [theirs.index, ...theirs],
      )
      const start = execBuiltIn(`^(?:${source})`, flags, given)
      expect(linearRegex(source, { ignoreCase, anchored: true }).endOf(given)).toBe(
        start === null ? -1 : start[0].length,
      )
    }),
    { numRuns: 2_500 },
  )
})

test('every match begins with the literal prefix', () => {
  fc.assert(
    fc.property(expression, text, (source, given) => {
      const regex = linearRegex(source)
      const found = regex.exec(given)
      expect(found === undefined || given.startsWith(regex.literal, found.start)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
  expect(linearRegex('/api/v1/(?<id>\\d+)').literal).toBe('/api/v1/')
  expect(linearRegex('/a(?:bc|bd)+').literal).toBe('/ab')
  expect(linearRegex('/(?:😀|😁)').literal).toBe('/')
})

test('captures groups by number, (?<name>) and (?P<name>)', () => {
  const regex = linearRegex('/(?<kind>\\w+)/(?P<id>\\d+)(/x)?', { anchored: true })
  expect(regex.exec('/orders/17/y')).toMatchObject({
    start: 0,
    end: 10,
    groups: ['/orders/17', 'orders', '17', undefined],
    named: { kind: 'orders', id: '17' },
  })
})

test.each([
  ['(?i)abc', 'xABC'],
  ['(?i:a)b', 'Ab'],
  ['a(?s:.)b', 'a\nb'],
  ['(?m)^b$', 'a\nb\nc'],
  ['[[:alpha:]]{3}[[:^digit:]]', 'abc-'],
  ['[]x]\\x41\\u0042\\u{43}', ']ABC'],
  ['{id}', '{id}'],
  ['\\A\\/\\-\\z', '/-'],
  ['^.[^a]$', '😀é'],
  ['^(?:😀|😁)$', '😁'],
])('%s matches %j', (source, given) => expect(linearRegex(source).test(given)).toBe(true))

test.each([
  ['(?i:a)b', 'AB'],
  ['(?:(?i)a)b', 'AB'],
  ['(?i)k', '\u212a'],
  ['^b$', 'a\nb'],
  ['a.b', 'a\nb'],
])('%s does not match %j', (source, given) => expect(linearRegex(source).test(given)).toBe(false))

test.each([
  ['(a', 'at character 3: unclosed ('],
  ['a)', 'at character 2: unmatched )'],
  ['[a', 'at character 3: unexpected end'],
  ['(?=a)', 'at character 4: (?=…) is not supported'],
  ['(?<!a)', 'at character 5: (?<!…) is not supported'],
  ['(a)\\1', 'at character 5: back-references are not supported'],
  ['a++', 'at character 4: possessive quantifiers are not supported'],
  ['a**', 'at character 4: a quantifier follows a quantifier'],
  ['+', 'at character 1: + has nothing to repeat'],
  ['[b-a]', 'at character 5: the class range is out of order'],
  ['a{3,2}', 'at character 7: in {3,2} the minimum is greater than the maximum'],
  ['\\p{L}', 'at character 2: \\p{…} is not supported; list the characters'],
  ['\\y', 'at character 2: \\y is not a known escape'],
  ['(?<a>.)(?<a>.)', "at character 13: duplicate group name 'a'"],
  ['(?:a{1000}){3}', 'it has more than 2000 instructions after its repetitions are expanded'],
  [
    '(?:(?:){999999}){999999}',
    'it has more than 2000 instructions after its repetitions are expanded',
  ],
  ['('.repeat(300), 'at character 201: groups are nested deeper than 200'],
])('rejects %s: %s', (source, complaint) => expect(regexError(source)).toBe(complaint))

test('every text either fails to compile with a message or runs', () => {
  const syntax = fc.string({
    unit: fc.constantFrom(...'()[]{}|*+?^$\\.-,:<>=!P#a1dbwx/ '.split('')),
    maxLength: 14,
  })
  fc.assert(
    fc.property(syntax, text, (source, given) => {
      const complaint = regexError(source)
      if (complaint === undefined) linearRegex(source).exec(given)
      expect(complaint).not.toBe('')
    }),
    { numRuns: 2_500 },
  )
})

/** Visits to instructions per character, by the automaton and by the capture search together. */
function visitsPerCharacter(source: string, given: string): number {
  let visits = 0
  const compiled = compileNfa(parseRegex(new Reader(source, ''), false))
  const instructions = new Proxy(compiled.instructions, {
    get(target, key) {
      visits += 1
      return Reflect.get(target, key) as unknown
    },
  })
  const nfa = { ...compiled, instructions }
  openLazyDfa(nfa, false, '').test(given)
  findCaptures(nfa, given, false)
  return visits / given.length
}

test.each([
  ['(a+)+$', 'a'],
  ['(a|a)*$', 'a'],
  ['(a*)*$', 'a'],
  ['^(\\w+\\s?)*$', 'a '],
  ['\\w+\\d+x', '1'],
  ['(?:a?){60}a{60}$', 'a'],
  ['(.*)(.*)(.*)(.*)(.*)x', 'a'],
  ['[ab]*a[ab]{12}$', 'ab'],
])('%s runs in linear time', (source, unit) => {
  // Visits per character are bounded, so twice the text may not need more of them.
  const short = visitsPerCharacter(source, `${unit.repeat(500)}!`)
  expect(visitsPerCharacter(source, `${unit.repeat(1_000)}!`)).toBeLessThan(1.3 * short)
})
