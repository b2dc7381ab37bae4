import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linearRegex, regexComplaint } from './linear-regex.ts'

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
  '\\W',
  '\\.',
  '/',
)
const look = fc.constantFrom('^', '$', '\\b', '\\B')
const times = fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?', '+?', '??')

const { expression } = fc.letrec<{ expression: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    character,
    look,
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

/** Whether the two families of engines agree on more than whether there is a match: where a repeated thing may be empty or holds a group they do not. */
const isPlain = (source: string): boolean => !/\)[*+?{]/.test(source) && !/[$^]|\\[bB]/.test(source)

test('it accepts what the built-in engine accepts, and finds the same', () => {
  fc.assert(
    fc.property(expression, text, fc.boolean(), (source, given, ignoreCase) => {
      const flags = ignoreCase ? 'iu' : 'u'
      const ours = linearRegex(source, { ignoreCase })
      const whole = linearRegex(`(?:${source})$`, { ignoreCase, anchored: true })
      expect(ours.test(given)).toBe(new RegExp(source, flags).test(given))
      expect(whole.test(given)).toBe(new RegExp(`^(?:${source})$`, flags).test(given))
      if (!isPlain(source)) return
      const theirs = new RegExp(source, flags).exec(given)
      const found = ours.exec(given)
      expect(found && [found.start, ...found.groups]).toEqual(
        theirs === null ? undefined : [theirs.index, ...theirs],
      )
      const start = new RegExp(`^(?:${source})`, flags).exec(given)
      expect(linearRegex(source, { ignoreCase, anchored: true }).endOf(given)).toBe(
        start === null ? -1 : start[0].length,
      )
    }),
    { numRuns: 2_500 },
  )
})

test('every match begins with the literal', () => {
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

test('groups are found by number and by either way of naming them', () => {
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
  ['(a', 'at character 3: a ( is not closed'],
  ['a)', 'at character 2: a ) closes nothing'],
  ['[a', 'at character 3: it ends too early'],
  ['(?=a)', 'at character 4: (?=…) cannot be matched in linear time'],
  ['(?<!a)', 'at character 5: (?<!…) cannot be matched in linear time'],
  ['(a)\\1', 'at character 5: a back-reference cannot be matched in linear time'],
  ['a++', 'at character 4: possessive repetition cannot be matched in linear time'],
  ['a**', 'at character 4: a repetition is repeated'],
  ['+', 'at character 1: there is nothing to repeat before +'],
  ['[b-a]', 'at character 5: a range ends before it begins'],
  ['a{3,2}', 'at character 7: {3,2} asks for more at least than at most'],
  ['\\p{L}', 'at character 2: \\p{…} is not known; name the characters'],
  ['\\y', 'at character 2: \\y is not known'],
  ['(?<a>.)(?<a>.)', "at character 13: two groups are named 'a'"],
  ['(?:a{1000}){3}', 'it has more than 2000 steps once its repetitions are written out'],
  ['(?:(?:){999999}){999999}', 'it has more than 2000 steps once its repetitions are written out'],
  ['('.repeat(300), 'at character 201: groups are nested deeper than 200'],
])('%s is refused: %s', (source, complaint) => expect(regexComplaint(source)).toBe(complaint))

test('any text is either refused with a sentence or runs', () => {
  const syntax = fc.string({
    unit: fc.constantFrom(...'()[]{}|*+?^$\\.-,:<>=!P#a1dbwx/ '.split('')),
    maxLength: 14,
  })
  fc.assert(
    fc.property(syntax, text, (source, given) => {
      const complaint = regexComplaint(source)
      if (complaint === undefined) linearRegex(source).exec(given)
      expect(complaint).not.toBe('')
    }),
    { numRuns: 2_500 },
  )
})

/** Nanoseconds for each character of a text that is the worst the expression can meet; the best of three. */
function pace(source: string, given: string): number {
  const regex = linearRegex(source)
  const once = (): number => {
    const started = performance.now()
    regex.exec(given)
    regex.test(given)
    return ((performance.now() - started) * 1e6) / given.length
  }
  return Math.min(once(), once(), once())
}

test.each([
  ['(a+)+$', 'a'],
  ['(a|a)*$', 'a'],
  ['(a*)*$', 'a'],
  ['^(\\w+\\s?)*$', 'a '],
  ['\\w+\\d+x', '1'],
  ['(?:a?){200}a{200}$', 'a'],
  ['(.*)(.*)(.*)(.*)(.*)x', 'a'],
  ['[ab]*a[ab]{12}$', 'ab'],
])('%s stays linear', (source, unit) => {
  const short = `${unit.repeat(1_000)}!`
  // A quadratic expression would be 16 times as slow for each character here, an exponential one never end.
  expect(pace(source, `${unit.repeat(16_000)}!`)).toBeLessThan(8 * pace(source, short) + 500)
})
