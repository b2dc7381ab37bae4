import { Problem } from '../lib/problem.ts'

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds of a span such as 30m, 24h or 7d. */
export function parseWindow(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const length = Number(count) * (units[unit] ?? 0)
  if (length > 0) return length
  throw new Problem(
    'preview.window',
    400,
    `window: expected a span such as 30m, 24h or 7d, and got '${text}'`,
  )
}
