import type { Granularity } from '../../schema/query.ts'
import type { LocalTime, Zone } from './zone.ts'

/** Granularities of a fixed length, in seconds. */
export const fixedSeconds = {
  second: 1,
  ten_seconds: 10,
  thirty_seconds: 30,
  minute: 60,
  five_minutes: 300,
  fifteen_minutes: 900,
} as const satisfies { readonly [Size in Granularity]?: number }

type Fixed = keyof typeof fixedSeconds

/** Whether buckets are independent of the time zone. */
export const isFixed = (granularity: Granularity): granularity is Fixed =>
  granularity in fixedSeconds

/** The start of the bucket that contains an instant. As in ClickHouse, hours count from midnight and weeks start on Monday. */
export function startOfBucket(zone: Zone, granularity: Granularity, instant: number): number {
  if (isFixed(granularity)) return floor(instant, fixedSeconds[granularity] * 1000)
  const [year, month, date] = zone.localTimeOf(instant)
  const midnight = (m: number, d: number): number => zone.instantOf([year, m, d, 0, 0, 0, 0])
  switch (granularity) {
    case 'hour':
      return midnight(month, date) + floor(instant - midnight(month, date), hour)
    case 'day':
      return midnight(month, date)
    case 'week':
      return midnight(month, date - ((new Date(Date.UTC(year, month, date)).getUTCDay() + 6) % 7))
    case 'month':
      return midnight(month, 1)
    case 'quarter':
      return midnight(floor(month, 3), 1)
    case 'year':
      return midnight(0, 1)
  }
}

/** The start of the bucket after the one that starts at `start`. */
export function nextBucket(zone: Zone, granularity: Granularity, start: number): number {
  if (isFixed(granularity)) return start + fixedSeconds[granularity] * 1000
  const [year, month, date] = zone.localTimeOf(start)
  const midnight = (y: number, m: number, d: number): number =>
    zone.instantOf([y, m, d, 0, 0, 0, 0])
  switch (granularity) {
    case 'hour': {
      const tomorrow = midnight(year, month, date + 1)
      return Math.min(start + hour, tomorrow)
    }
    case 'day':
      return midnight(year, month, date + 1)
    case 'week':
      return midnight(year, month, date + 7)
    case 'month':
      return midnight(year, month + 1, 1)
    case 'quarter':
      return midnight(year, month + 3, 1)
    case 'year':
      return midnight(year + 1, 0, 1)
  }
}

/** The starts of the buckets that cover a range; undefined when there are more than `limit`. */
export function bucketStarts(
  zone: Zone,
  granularity: Granularity,
  from: number,
  to: number,
  limit: number,
): readonly number[] | undefined {
  const starts: number[] = []
  let start = startOfBucket(zone, granularity, from)
  // Zone offsets are slow to compute: for hours, once a day is enough.
  let midnight = granularity === 'hour' ? start : Infinity
  while (start < to) {
    if (starts.length >= limit) return undefined
    starts.push(start)
    if (start >= midnight) midnight = nextBucket(zone, 'day', startOfBucket(zone, 'day', start))
    start =
      granularity === 'hour'
        ? Math.min(start + hour, midnight)
        : nextBucket(zone, granularity, start)
  }
  return starts
}

/** Adds calendar units to an instant and keeps the time of day. */
export function shift(zone: Zone, instant: number, unit: Unit, count: number): number {
  if (unit === 'second' || unit === 'minute' || unit === 'hour')
    return instant + count * unitMilliseconds[unit]
  const [year, month, date, ...time] = zone.localTimeOf(instant)
  if (unit === 'day' || unit === 'week') {
    const days = unit === 'week' ? count * 7 : count
    return zone.instantOf([year, month, date + days, ...time])
  }
  const months = month + count * { month: 1, quarter: 3, year: 12 }[unit]
  const length = new Date(Date.UTC(year, months + 1, 0)).getUTCDate()
  return zone.instantOf([year, months, Math.min(date, length), ...time] as LocalTime)
}

export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year'

const hour = 3_600_000
const unitMilliseconds = { second: 1000, minute: 60_000, hour } as const

const floor = (value: number, size: number): number => Math.floor(value / size) * size
