import type { Period } from './settings.ts'

const lengths = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** When the calendar period began and ends (UTC), in milliseconds since the epoch. */
export function boundsOf(period: Period, now: number): [number, number] {
  if (period === 'month' || period === 'year') {
    const date = new Date(now)
    const year = date.getUTCFullYear()
    const month = date.getUTCMonth()
    return period === 'month'
      ? [Date.UTC(year, month), Date.UTC(year, month + 1)]
      : [Date.UTC(year, 0), Date.UTC(year + 1, 0)]
  }
  const start = now - (now % lengths[period])
  return [start, start + lengths[period]]
}
