import { Problem } from '../lib/problem.ts'
import { nextBucket, shift, startOfBucket, type Unit } from './buckets.ts'
import { wallAt, type Zone } from './zone.ts'

/** From an instant up to, not including, another; milliseconds since the epoch. */
export type Range = {
  readonly from: number
  readonly to: number
  /** Whether the same words mean something else a moment later. */
  readonly moves: boolean
  /** Whether it begins so many units ago, at no particular boundary, and may begin at that of a bucket instead. */
  readonly slides: boolean
}

/** When it is, and where the clocks hang. */
export type Now = { readonly zone: Zone; readonly now: number }

/** The instants that a date range means: words, one date, or a pair of dates, date-times or words such as `2 hours ago`. Dates are whole days. */
export function parseDateRange(given: string | readonly [string, string], now: Now): Range {
  if (typeof given === 'string') return parseWords(given, now)
  const [from, to] = given.map((text) => parseInstant(text, now)) as [Span, Span]
  return ordered({ from: from.start, to: to.end }, from.moves || to.moves, given.join(' … '))
}

/** Years in which the engine can count microseconds, and our clocks too. */
const [earliest, latest] = [Date.UTC(1970, 0), Date.UTC(2200, 0)]

function known(instant: number, text: string): number {
  if (instant >= earliest && instant < latest) return instant
  throw new Problem('query.years', 422, `'${text}' is outside of the years 1970 to 2199`)
}

/** What one date or date-time spans: a day, or nothing. */
export type Span = { readonly start: number; readonly end: number; readonly moves: boolean }

/** The instant that a date-time means, or the day that a date means. */
export function parseInstant(text: string, { zone, now }: Now): Span {
  const words = text.trim().toLowerCase()
  if (words === 'now') return { start: now, end: now, moves: true }
  const ago = /^(\d{1,6}) (second|minute|hour|day|week|month|quarter|year)s? (ago|from now)$/.exec(
    words,
  )
  if (ago !== null) {
    const count = Number(ago[1]) * (ago[3] === 'ago' ? -1 : 1)
    const at = known(shift(zone, now, { unit: ago[2] as Unit, count }), text)
    return { start: at, end: at, moves: true }
  }
  return parseIso(text.trim(), zone)
}

function parseWords(text: string, now: Now): Range {
  const words = text.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  const calendar = calendarRange(words, now)
  if (calendar !== undefined) return { ...calendar, moves: true, slides: false }
  const last = /^last (?:(\d{1,6}) )?(second|minute|hour|day|week|month|quarter|year)s?$/.exec(
    words,
  )
  if (last !== null) {
    const back = { unit: last[2] as Unit, count: -Number(last[1] ?? 1) }
    const from = known(shift(now.zone, now.now, back), text)
    return { from, to: now.now, moves: true, slides: true }
  }
  const between = /^from (.+) to (.+)$/.exec(words)
  if (between !== null) return parseDateRange([between[1] ?? '', between[2] ?? ''], now)
  const span = parseInstant(text, now)
  if (span.end > span.start) return { from: span.start, to: span.end, moves: false, slides: false }
  throw unreadable(text)
}

/** `today`, `yesterday`, `this month`, and `last month` as the whole month before; a last second, minute or hour slides instead. */
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
  const wall = new Date(`${date}T${time}Z`)
  // Date lets February have 31 days and clocks show 24:00.
  if (Number.isNaN(wall.getTime()) || wall.toISOString() !== `${date}T${time}Z`)
    throw unreadable(text)
  known(wall.getTime(), text)
  if (offset !== undefined) return moment(wall.getTime() - offsetMilliseconds(offset))
  const start = zone.instantOf(wallAt(wall.getTime()))
  if (clock !== undefined) return moment(start)
  return { start, end: zone.instantOf(wallAt(wall.getTime() + day)), moves: false }
}

const day = 86_400_000

const moment = (at: number): Span => ({ start: at, end: at, moves: false })

function offsetMilliseconds(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0
  const [hours, minutes] = offset.slice(1).split(':').map(Number) as [number, number]
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

function ordered(range: { from: number; to: number }, moves: boolean, text: string): Range {
  if (range.from <= range.to) return { ...range, moves, slides: false }
  throw new Problem('query.range', 422, `date range '${text}' ends before it begins`)
}

const unreadable = (text: string): Problem =>
  new Problem(
    'query.date',
    422,
    `'${text}' is not a date range: expected words such as 'last 15 minutes', 'today', 'last month' or 'from 1 hour ago to now', or dates such as 2026-01-31 or 2026-01-31T10:00:00Z`,
  )
