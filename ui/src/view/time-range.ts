import type { Granularity } from '../../../src/schema/query.ts'

/** A span of time: one that ends now and moves, or a fixed one (milliseconds since the epoch). */
export type TimeRange =
  | { readonly kind: 'last'; readonly preset: Preset }
  | { readonly kind: 'between'; readonly from: number; readonly to: number }

/** A time range that ends now. */
export type Preset = {
  /** Its form in the address. */
  readonly key: string
  readonly title: string
  readonly count: number
  readonly unit: 'minutes' | 'hours' | 'days'
  readonly milliseconds: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The ranges offered, shortest first. */
export const presets: readonly Preset[] = [
  { key: '5m', title: '5 minutes', count: 5, unit: 'minutes', milliseconds: 5 * minute },
  { key: '15m', title: '15 minutes', count: 15, unit: 'minutes', milliseconds: 15 * minute },
  { key: '1h', title: 'hour', count: 1, unit: 'hours', milliseconds: hour },
  { key: '6h', title: '6 hours', count: 6, unit: 'hours', milliseconds: 6 * hour },
  { key: '24h', title: '24 hours', count: 24, unit: 'hours', milliseconds: day },
  { key: '7d', title: '7 days', count: 7, unit: 'days', milliseconds: 7 * day },
]

/** The range of an address without one. */
export const defaultRange: TimeRange = { kind: 'last', preset: presets[1] as Preset }

/** Parses `15m` or `<from>~<to>` in ISO 8601; undefined when the text is no range. */
export function parseTimeRange(text: string): TimeRange | undefined {
  const preset = presets.find(({ key }) => key === text)
  if (preset !== undefined) return { kind: 'last', preset }
  const [from = NaN, to = NaN] = text.split('~', 2).map((end) => Date.parse(end))
  return from < to ? { kind: 'between', from, to } : undefined
}

/** Formats a range for the address. */
export const formatTimeRange = (range: TimeRange): string =>
  range.kind === 'last' ? range.preset.key : `${iso(range.from)}~${iso(range.to)}`

/** The range in the query format. */
export function toDateRange(range: TimeRange): string | [string, string] {
  if (range.kind === 'between') return [iso(range.from), iso(range.to)]
  const { count, unit } = range.preset
  return `last ${count} ${unit}`
}

/** The range of the same length just before, in the query format. */
export function previousDateRange(range: TimeRange): string | [string, string] {
  if (range.kind === 'between') {
    return [iso(2 * range.from - range.to), iso(range.from)]
  }
  const { count, unit } = range.preset
  return `from ${2 * count} ${unit} ago to ${count} ${unit} ago`
}

/** Start and end of a range at the time `now`. */
export const toDomain = (range: TimeRange, now: number): readonly [number, number] =>
  range.kind === 'between' ? [range.from, range.to] : [now - range.preset.milliseconds, now]

/** The bucket sizes that charts use, smallest first. */
const steps: readonly (readonly [Granularity, number])[] = [
  ['second', 1000],
  ['ten_seconds', 10_000],
  ['thirty_seconds', 30_000],
  ['minute', minute],
  ['five_minutes', 5 * minute],
  ['fifteen_minutes', 15 * minute],
  ['hour', hour],
  ['day', day],
]

const maxBuckets = 100

/** The bucket size in which charts draw a range. */
export function chooseBucket(range: TimeRange): { granularity: Granularity; milliseconds: number } {
  const [from, to] = toDomain(range, 0)
  const span = to - from
  const [granularity, milliseconds] =
    steps.find(([, step]) => span / step <= (span > 2 * day ? 2 * maxBuckets : maxBuckets)) ??
    (steps.at(-1) as (typeof steps)[number])
  return { granularity, milliseconds }
}

/** A range for display: `Last 15 minutes`, or its start and end. */
export function describeTimeRange(range: TimeRange): string {
  if (range.kind === 'last') return `Last ${range.preset.title}`
  const sameDay = new Date(range.from).toDateString() === new Date(range.to).toDateString()
  const short = range.to - range.from < 10 * minute
  const time: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    ...(short ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  }
  const full: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric', ...time }
  const from = new Date(range.from).toLocaleString('en-US', full)
  const to = new Date(range.to).toLocaleString('en-US', sameDay ? time : full)
  return `${from} – ${to}`
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()

const key = 'weir-moving-range'

/** Remembers a relative range for "Back to live". */
export function rememberRange(range: TimeRange): void {
  if (range.kind === 'last') sessionStorage.setItem(key, formatTimeRange(range))
}

/** The relative range shown last. */
export const rememberedRange = (): TimeRange =>
  parseTimeRange(sessionStorage.getItem(key) ?? '') ?? defaultRange
