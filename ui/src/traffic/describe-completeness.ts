import type { Completeness } from '../../../src/schema/completeness.ts'
import { formatAge } from '../format/format.ts'

type Shown = {
  /** Milliseconds since the epoch, as `now`. */
  readonly end: number
  readonly now: number
  readonly clock: (time: number) => string
}

/** For example "Complete up to 12:04:31. Node eu-2 sent its last heartbeat 4 min ago."; undefined when there is nothing to report. */
export function describeCompleteness(
  { until, missing }: Completeness,
  { end, now, clock }: Shown,
): string | undefined {
  const time = until === null ? undefined : Date.parse(until)
  const silent = missing.filter((one) => one.until === null || Date.parse(one.until) < end)
  const parts = [
    ...(time === undefined || time >= end ? [] : [`Complete up to ${clock(time)}.`]),
    ...silent.map(
      ({ node, lastHeard }) =>
        `${node === null ? 'A node' : `Node ${node}`} sent its last heartbeat ${formatAge(Date.parse(lastHeard), now)}.`,
    ),
  ]
  return parts.length === 0 ? undefined : parts.join(' ')
}
