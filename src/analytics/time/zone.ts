import { Problem } from '../../lib/problem.ts'

/** A local time in the order of Date.UTC: year, month from 0, day, hour, minute, second, millisecond. */
export type LocalTime = readonly [number, number, number, number, number, number, number]

/** An IANA time zone. Instants are milliseconds since the epoch. */
export type Zone = {
  readonly name: string
  localTimeOf(instant: number): LocalTime
  /** A repeated local time is its first occurrence; a skipped one is moved forward by the length of the gap. Parts may overflow, as in Date.UTC. */
  instantOf(localTime: LocalTime): number
}

export function buildZone(name: string): Zone {
  const format = formatOf(name)
  const offsets = new Map<number, number>()
  const offsetAt = (instant: number): number => {
    const slot = Math.floor(instant / slotLength)
    const offset = offsets.get(slot) ?? measureOffset(format, slot * slotLength)
    offsets.set(slot, offset)
    return offset
  }
  return {
    name: format.resolvedOptions().timeZone,
    localTimeOf: (instant) => localTimeAt(instant + offsetAt(instant)),
    instantOf(localTime) {
      const local = Date.UTC(...localTime)
      // Outside of the range of Date.
      if (!(Math.abs(local) < 8e15)) return NaN
      const before = local - offsetAt(local - day)
      const after = local - offsetAt(local + day)
      const isShown = (at: number): boolean => at + offsetAt(at) === local
      const first = Math.min(before, after)
      return isShown(first) ? first : isShown(after) ? after : before
    },
  }
}

/** Transitions happen at multiples of 15 minutes, so an offset is constant within a slot. */
const slotLength = 900_000

function measureOffset(format: Intl.DateTimeFormat, instant: number): number {
  const parts = format.formatToParts(instant)
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value)
  const [year, month, date] = [part('year'), part('month') - 1, part('day')]
  return Date.UTC(year, month, date, part('hour'), part('minute'), part('second')) - instant
}

const day = 86_400_000

export const localTimeAt = (local: number): LocalTime => {
  const date = new Date(local)
  return [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds(),
  ]
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    // Intl accepts offsets such as +01:00 as zones; ClickHouse does not.
    if (!/^[a-z]/i.test(name)) throw new RangeError(name)
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      calendar: 'iso8601',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (error) {
    const message = `timezone: '${name}' is not an IANA time zone, such as Europe/Berlin`
    throw new Problem('query.timezone', 422, message, { cause: error })
  }
}
