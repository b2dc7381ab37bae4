import { Problem } from '../../lib/problem.ts'
import { nextBucket, shift, startOfBucket, type Unit } from './buckets.ts'
import { localTimeAt, type Zone } from './zone.ts'

/** A half-open range in milliseconds since the epoch. */
export type Range = {
  readonly from: number
  readonly to: number
  /** Whether it depends on the current time. */
  readonly isRelative: boolean
  /** Whether it starts a number of units before now; it can be extended to start at a bucket boundary. */
  readonly isSliding: boolean
}

export type Now = { readonly zone: Zone; readonly now: number }

/** Parses Cube's date ranges: words, one date, or a pair of dates, date-times or words such as `2 hours ago`. Dates are whole days. */
export function parseDateRange(given: string | readonly [string, string], now: Now): Range {
  if (typeof given === 'string') return parseWords(given, now)
  const [from, to] = given.map((text) => parseInstant(text, now)) as [Span, Span]
  return ordered(
    { from: from.start, to: to.end },
    from.isRelative || to.isRelative,
    given.join(' … '),
  )
}

// DateTime64(6) overflows beyond these years.
const [earliest, latest] = [Date.UTC(1970, 0), Date.UTC(2200, 0)]

function checkYear(instant: number, text: string): number {
  if (instant >= earliest && instant < latest) return instant
  throw new Problem('query.years', 422, `'${text}' is outside of the supported years 1970 to 2199`)
}

/** A day, or an instant when start and end are equal. */
export type Span = { readonly start: number; readonly end: number; readonly isRelative: boolean }

export function parseInstant(text: string, { zone, now }: Now): Span {
  const words = text.trim().toLowerCase()
  if (words === 'now') return { start: now, end: now, isRelative: true }
  const ago = /^(\d{1,6}) (second|minute|hour|day|week|month|quarter|year)s? (ago|from now)$/.exec(
    words,
  )
  if (ago !== null) {
    const count = Number(ago[1]) * (ago[3] === 'ago' ? -1 : 1)
    const at = checkYear(shift(zone, now, ago[2] as Unit, count), text)
    return { start: at, end: at, isRelative: true }
  }
  return parseIso(text.trim(), zone)
}

function parseWords(text: string, now: Now): Range {
  const words = text.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  const calendar = calendarRange(words, now)
  if (calendar !== undefined) return { ...calendar, isRelative: true, isSliding: false }
  const last = /^last (?:(\d{1,6}) )?(second|minute|hour|day|week|month|quarter|year)s?$/.exec(
    words,
  )
  if (last !== null) {
    const from = checkYear(shift(now.zone, now.now, last[2] as Unit, -Number(last[1] ?? 1)), text)
    return { from, to: now.now, isRelative: true, isSliding: true }
  }
  const between = /^from (.+) to (.+)$/.exec(words)
  if (between !== null) return parseDateRange([between[1] ?? '', between[2] ?? ''], now)
  const span = parseInstant(text, now)
  if (span.end > span.start)
    return { from: span.start, to: span.end, isRelative: false, isSliding: false }
  throw unreadable(text)
}

/** `today`, `yesterday`, `this month`, and `last month` as the previous calendar month. The last second, minute or hour is a sliding range instead. */
function calendarRange(
  words: string,
  { zone, now }: Now,
): { readonly from: number; readonly to: number } | undefined {
  const named = { today: 'this day', yesterday: 'last day' }[words] ?? words
  const found = /^(this|last) (minute|hour|day|week|month|quarter|year)$/.exec(named)
  if (found === null || /^last (minute|hour)$/.test(named)) return undefined
  const unit = found[2] as Exclude<Unit, 'second'>
  const from = startOfBucket(zone, unit, now)
  return found[1] === 'this'
    ? { from, to: nextBucket(zone, unit, from) }
    : { from: startOfBucket(zone, unit, from - 1), to: from }
}

const isoPattern =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:\d\d)?)?$/i

function parseIso(text: string, zone: Zone): Span {
  const [, date = '', clock, second = '00', fraction = '', offset] = isoPattern.exec(text) ?? []
  const time = `${clock ?? '00:00'}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`
  const asUtc = new Date(`${date}T${time}Z`)
  // Date accepts February 31 and 24:00.
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString() !== `${date}T${time}Z`)
    throw unreadable(text)
  checkYear(asUtc.getTime(), text)
  if (offset !== undefined) return moment(asUtc.getTime() - offsetMilliseconds(offset))
  const start = zone.instantOf(localTimeAt(asUtc.getTime()))
  if (clock !== undefined) return moment(start)
  return { start, end: zone.instantOf(localTimeAt(asUtc.getTime() + day)), isRelative: false }
}

const day = 86_400_000

const moment = (at: number): Span => ({ start: at, end: at, isRelative: false })

function offsetMilliseconds(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0
  const [hours, minutes] = offset.slice(1).split(':').map(Number) as [number, number]
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

function ordered(range: { from: number; to: number }, isRelative: boolean, text: string): Range {
  if (range.from <= range.to) return { ...range, isRelative, isSliding: false }
  throw new Problem('query.range', 422, `date range '${text}' ends before it starts`)
}

const unreadable = (text: string): Problem =>
  new Problem(
    'query.date',
    422,
    `'${text}' is not a date range: expected words such as 'last 15 minutes', 'today', 'last month' or 'from 1 hour ago to now', or dates such as 2026-01-31 or 2026-01-31T10:00:00Z`,
  )
