import { Problem } from '../lib/problem.ts'

/** A wall-clock time, in the order of Date.UTC: year, month from 0, day, hour, minute, second, millisecond. */
export type Wall = readonly [number, number, number, number, number, number, number]

/** An IANA time zone: instants are milliseconds since the epoch. */
export type Zone = {
  readonly name: string
  /** What clocks in the zone show at an instant. */
  wallOf(instant: number): Wall
  /** When clocks in the zone show a time. What they show twice is the first; what they skip is as much later as they skip. Parts may overflow, as in Date.UTC. */
  instantOf(wall: Wall): number
}

/** The zone of that name, as the engine spells it. */
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
    wallOf: (instant) => wallAt(instant + offsetAt(instant)),
    instantOf(wall) {
      const local = Date.UTC(...wall)
      // Beyond what Date can hold there is no time to show.
      if (!(Math.abs(local) < 8e15)) return NaN
      const before = local - offsetAt(local - day)
      const after = local - offsetAt(local + day)
      const isShown = (at: number): boolean => at + offsetAt(at) === local
      const first = Math.min(before, after)
      return isShown(first) ? first : isShown(after) ? after : before
    },
  }
}

/** Clocks change at whole quarters of an hour, so that an offset holds for one. */
const slotLength = 900_000

function measureOffset(format: Intl.DateTimeFormat, instant: number): number {
  const parts = format.formatToParts(instant)
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value)
  const [year, month, date] = [part('year'), part('month') - 1, part('day')]
  return Date.UTC(year, month, date, part('hour'), part('minute'), part('second')) - instant
}

const day = 86_400_000

/** The parts of a wall-clock time that is counted as Date.UTC counts. */
export const wallAt = (local: number): Wall => {
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
    // Offsets such as +01:00 are zones to Intl, but not to the engine.
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
