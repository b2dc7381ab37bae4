import type { Row } from '../report.ts'

/** Upper bounds of figures, with at most 20,000 services and 20,000 routes. */
const bounds: Readonly<Record<string, number>> = {
  control_cpu_ms: 5,
  worker_cpu_ms: 5,
  served_p99_ms: 100,
  control_peak_mb: 600,
  control_mb: 600,
  worker_peak_mb: 400,
  worker_mb: 400,
  worker_hold_ms: 10,
  first_answer_ms: 3_000,
}
/** Upper bounds for all sizes. */
const boundsOfAll: Readonly<Record<string, number>> = { deaths: 0, errors: 0 }
const targetSize = 20_000

/** Seconds of a sync of at most `syncSize` services and routes. */
const maxSync = 60
const syncSize = 10_000

/** Milliseconds by which the p99 of traffic may grow. */
const maxDelay = 20

/** The targets that rows miss. */
export const missedTargets = (rows: readonly Row[]): string[] =>
  rows.flatMap((row) => missesOf(row).map((miss) => `${row.case}, ${row.subject}: ${miss}`))

function missesOf(row: Row): string[] {
  const value = (figure: string): number => Number(row[figure] ?? Number.NaN)
  const size = value('size')
  const own = {
    ...(size <= targetSize ? bounds : {}),
    ...(size <= syncSize ? { time_s: maxSync } : {}),
    ...boundsOfAll,
  }
  const missed = Object.entries(own)
    .filter(([figure, bound]) => value(figure) > bound)
    .map(([figure, bound]) => `${figure} ${value(figure)}, at most ${bound}`)
  const delayed = value('p99_ms') - value('p99_before_ms') > maxDelay
  return delayed
    ? [
        ...missed,
        `p99_ms ${value('p99_ms')} after ${value('p99_before_ms')}, at most ${maxDelay} more`,
      ]
    : missed
}
