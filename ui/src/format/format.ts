import type { Cell, Format } from '../../../src/schema/answer.ts'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const threeDigits = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })
const compact = new Intl.NumberFormat('en-US', {
  notation: 'compact',
  maximumSignificantDigits: 3,
})

/** Placeholder for an absent value. */
export const absent = '–'

/** A count: exact up to 9,999, then compact (12.3K). */
export const formatCount = (value: number): string =>
  Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)

/** A duration in milliseconds, in a suitable unit. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0 ms'
  if (milliseconds < 1) return `${whole.format(milliseconds * 1000)} µs`
  if (milliseconds < 1000) return `${threeDigits.format(milliseconds)} ms`
  if (milliseconds < 120_000) return `${threeDigits.format(milliseconds / 1000)} s`
  return `${threeDigits.format(milliseconds / 60_000)} min`
}

/** A share (0 to 1) as a percentage. */
export function formatPercent(share: number): string {
  const percent = share * 100
  if (percent === 0) return '0%'
  if (percent < 0.01) return '<0.01%'
  return `${percent < 10 ? percent.toFixed(2) : percent.toFixed(1)}%`
}

/** A size in bytes, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${threeDigits.format(bytes / 1000 ** power)} ${units[power]}`
}

/** A rate per second. */
export const formatRate = (perSecond: number): string =>
  perSecond < 1000 ? threeDigits.format(perSecond) : compact.format(perSecond)

const formats: Partial<Record<Format, (value: number) => string>> = {
  number: formatCount,
  milliseconds: formatDuration,
  percent: formatPercent,
  bytes: formatBytes,
  per_second: formatRate,
}

/** A cell in the format of its column. */
export function formatCell(cell: Cell | undefined, format: Format): string {
  if (cell === null || cell === undefined || cell === '') return absent
  if (typeof cell === 'number') return (formats[format] ?? String)(cell)
  return Array.isArray(cell) ? cell.join(', ') || absent : String(cell)
}

/** A time of day with seconds, and optionally milliseconds. */
export function formatClock(time: number, withMilliseconds = false): string {
  const date = new Date(time)
  const clock = date.toLocaleTimeString('en-US', { hourCycle: 'h23' })
  return withMilliseconds ? `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock
}

/** A date with the time of day. */
export const formatDate = (time: number): string =>
  `${new Date(time).toLocaleDateString('en-US', { year: 'numeric', month: 'short', day: 'numeric' })}, ${formatClock(time)}`

/** The local time zone, for example `GMT+1`. */
export function timeZoneName(): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts()
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'local time'
}

const units = [
  ['y', 31_536_000],
  ['mo', 2_592_000],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const

/** The age of a time in short form: `3 d ago`. */
export function formatAge(time: number, now: number): string {
  const seconds = (now - time) / 1000
  const unit = units.find(([, size]) => seconds >= size)
  return unit === undefined ? 'just now' : `${Math.floor(seconds / unit[1])} ${unit[0]} ago`
}
