import { defaultRange, formatTimeRange, parseTimeRange, type TimeRange } from './time-range.ts'

const key = 'weir-moving-range'

/** Remembers a range that moves with the time, as the one that "Back to live" means. */
export function rememberRange(range: TimeRange): void {
  if (range.kind === 'last') sessionStorage.setItem(key, formatTimeRange(range))
}

/** The moving range that was looked at last. */
export const rememberedRange = (): TimeRange =>
  parseTimeRange(sessionStorage.getItem(key) ?? '') ?? defaultRange
