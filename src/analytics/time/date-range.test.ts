import { expect, test } from 'vitest'
import { parseDateRange } from './date-range.ts'
import { buildZone } from './zone.ts'

const utc = buildZone('UTC')
// A Thursday.
const now = Date.parse('2026-03-12T10:30:15.500Z')

const range = (
  given: string | readonly [string, string],
  zone = utc,
  at = now,
): readonly string[] => {
  const { from, to } = parseDateRange(given, { zone, now: at })
  return [from, to].map((instant) => new Date(instant).toISOString().replace(/:00\.000Z$/, 'Z'))
}

test.each([
  ['last 15 minutes', '2026-03-12T10:15:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['Last   6 Hours', '2026-03-12T04:30:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['last hour', '2026-03-12T09:30:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['last 7 days', '2026-03-05T10:30:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['last 1 month', '2026-02-12T10:30:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['today', '2026-03-12T00:00Z', '2026-03-13T00:00Z'],
  ['yesterday', '2026-03-11T00:00Z', '2026-03-12T00:00Z'],
  ['this week', '2026-03-09T00:00Z', '2026-03-16T00:00Z'],
  ['last week', '2026-03-02T00:00Z', '2026-03-09T00:00Z'],
  ['this month', '2026-03-01T00:00Z', '2026-04-01T00:00Z'],
  ['last month', '2026-02-01T00:00Z', '2026-03-01T00:00Z'],
  ['this quarter', '2026-01-01T00:00Z', '2026-04-01T00:00Z'],
  ['last year', '2025-01-01T00:00Z', '2026-01-01T00:00Z'],
  ['from 1 hour ago to now', '2026-03-12T09:30:15.500Z', '2026-03-12T10:30:15.500Z'],
  ['from 2 days ago to 1 day from now', '2026-03-10T10:30:15.500Z', '2026-03-13T10:30:15.500Z'],
  ['from 2026-01-01 to 2026-01-31', '2026-01-01T00:00Z', '2026-02-01T00:00Z'],
  ['2026-02-28', '2026-02-28T00:00Z', '2026-03-01T00:00Z'],
])('%s', (words, from, to) => {
  expect(range(words)).toEqual([from, to])
})

test.each([
  [['2026-01-01', '2026-01-31'], '2026-01-01T00:00Z', '2026-02-01T00:00Z'],
  [['2026-01-01T10:00', '2026-01-01T11:00:30'], '2026-01-01T10:00Z', '2026-01-01T11:00:30.000Z'],
  [
    ['2026-01-01T10:00:00.250Z', '2026-01-01 10:00:00.750000+00:00'],
    '2026-01-01T10:00:00.250Z',
    '2026-01-01T10:00:00.750Z',
  ],
  [
    ['2026-01-01T10:00:00+02:00', '2026-01-01T10:00:00-05:30'],
    '2026-01-01T08:00Z',
    '2026-01-01T15:30Z',
  ],
  [
    ['2026-01-01T10:00:00+10:30', '2026-01-01T10:00:00-11:00'],
    '2025-12-31T23:30Z',
    '2026-01-01T21:00Z',
  ],
  [['3 hours ago', 'now'], '2026-03-12T07:30:15.500Z', '2026-03-12T10:30:15.500Z'],
] as const)('%o', (pair, from, to) => {
  expect(range(pair)).toEqual([from, to])
})

test('days and relative ranges follow the time zone', () => {
  const berlin = buildZone('Europe/Berlin')
  expect(range('2026-03-29', berlin)).toEqual(['2026-03-28T23:00Z', '2026-03-29T22:00Z'])
  expect(range(['2026-10-25T02:30', '2026-10-25T03:00'], berlin)).toEqual([
    '2026-10-25T00:30Z',
    '2026-10-25T02:00Z',
  ])
  // A time that clocks skip is as much later.
  expect(range(['2026-03-29T02:30', '2026-03-29T04:00'], berlin)).toEqual([
    '2026-03-29T01:30Z',
    '2026-03-29T02:00Z',
  ])
  const evening = Date.parse('2026-03-12T23:30:00Z')
  expect(range('today', berlin, evening)).toEqual(['2026-03-12T23:00Z', '2026-03-13T23:00Z'])
  // One day before the same time of day, although that day had 23 hours.
  expect(range('last 1 day', berlin, Date.parse('2026-03-29T12:00Z'))).toEqual([
    '2026-03-28T13:00Z',
    '2026-03-29T12:00Z',
  ])
})

test('a month back from the 31st is the last day of the shorter month', () => {
  expect(range('last 1 month', utc, Date.parse('2026-03-31T12:00Z'))[0]).toBe('2026-02-28T12:00Z')
})

test.each([
  'last',
  'last 15',
  'last fifteen minutes',
  'last 15 minuten',
  'tomorrow?',
  '2026-02-30',
  '2026-13-01',
  '2026-01-01T24:00',
  '2026-01-01T10:60',
  '2026-01-01T10:00',
  'from yesterday to now',
  `today'; DROP TABLE requests`,
])('rejects the date range %o', (words) => {
  expect(() => range(words)).toThrow(/is not a date range/)
})

test('rejects a range that ends before it starts', () => {
  expect(() => range(['2026-02-01', '2026-01-01'])).toThrow(/ends before it starts/)
})

test.each([
  'last 500 years',
  'last 999999 years',
  '0001-01-01',
  '9999-12-31',
  'from 999999 years ago to now',
])('rejects %s as outside of the supported years', (words) => {
  expect(() => range(words)).toThrow(/outside of the supported years 1970 to 2199/)
})

test('a range may be empty', () => {
  expect(range(['2026-03-12T10:00', '2026-03-12T10:00'])).toEqual([
    '2026-03-12T10:00Z',
    '2026-03-12T10:00Z',
  ])
})

test('a repeated local time is its first occurrence', () => {
  const berlin = buildZone('Europe/Berlin')
  expect(berlin.instantOf([2026, 9, 25, 2, 30, 0, 0])).toBe(Date.parse('2026-10-25T00:30Z'))
  expect(berlin.instantOf([2026, 2, 29, 2, 30, 0, 0])).toBe(Date.parse('2026-03-29T01:30Z'))
})

test.each<[string | readonly [string, string], boolean, boolean]>([
  ['last 15 minutes', true, true],
  ['last 2 weeks', true, true],
  ['last minute', true, true],
  ['last hour', true, true],
  ['today', true, false],
  ['this hour', true, false],
  ['last day', true, false],
  ['last month', true, false],
  ['2026-01-01', false, false],
  [['2026-01-01', '2026-01-02'], false, false],
  [['2026-01-01', 'now'], true, false],
  [['2 hours ago', '2026-04-01'], true, false],
  ['from 2026-01-01 to 2026-01-02', false, false],
  ['from 2 hours ago to now', true, false],
])('%o: relative %s, sliding %s', (given, isRelative, isSliding) => {
  expect(parseDateRange(given, { zone: utc, now })).toMatchObject({ isRelative, isSliding })
})

test('the years 1970 to 2199 are supported to their last day', () => {
  expect(range('1970-01-01')).toEqual(['1970-01-01T00:00Z', '1970-01-02T00:00Z'])
  expect(range('2199-12-31')).toEqual(['2199-12-31T00:00Z', '2200-01-01T00:00Z'])
  expect(() => range('1969-12-31')).toThrow(/outside of the supported years/)
  expect(() => range('2200-01-01')).toThrow(
    expect.objectContaining({ code: 'query.years', status: 422 }),
  )
})

test('every unit of a calendar, before and after now', () => {
  expect(range(['1 second ago', '90 seconds from now'])).toEqual([
    '2026-03-12T10:30:14.500Z',
    '2026-03-12T10:31:45.500Z',
  ])
  expect(range(['1 quarter ago', '1 quarter from now'])).toEqual([
    '2025-12-12T10:30:15.500Z',
    '2026-06-12T10:30:15.500Z',
  ])
  expect(range(['2 years ago', '1 year from now'])).toEqual([
    '2024-03-12T10:30:15.500Z',
    '2027-03-12T10:30:15.500Z',
  ])
  expect(range('last 2 weeks')[0]).toBe('2026-02-26T10:30:15.500Z')
  expect(range('this minute')).toEqual(['2026-03-12T10:30Z', '2026-03-12T10:31Z'])
  expect(range('last minute')).toEqual(['2026-03-12T10:29:15.500Z', '2026-03-12T10:30:15.500Z'])
  expect(range('last quarter')).toEqual(['2025-10-01T00:00Z', '2026-01-01T00:00Z'])
})

test('an invalid range or zone is a problem of the caller', () => {
  const problem = (code: string) => expect.objectContaining({ code, status: 422 }) as Error
  expect(() => range('whenever')).toThrow(problem('query.date'))
  expect(() => range(['2026-02-01', '2026-01-01'])).toThrow(problem('query.range'))
  expect(() => buildZone('Mars')).toThrow(problem('query.timezone'))
})
