import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { Replayer } from './open-replayer.ts'
import type { TrafficBucket, TrafficGroup } from './traffic-group.ts'

/**
 * The number of requests of each group that rate limits deny. `buckets` are in order of time. The order of requests within a
 * span is unknown: groups are served in turn. The total is exact unless a window is shorter than a span.
 */
export function* replayLimits(
  replayer: Pick<Replayer, 'windowsAt'>,
  groups: ReadonlyMap<string, TrafficGroup>,
  buckets: readonly TrafficBucket[],
  spanMs: number,
): CooperativeTask<ReadonlyMap<string, number>> {
  const refused = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const bucket of buckets) {
    yield
    const group = groups.get(bucket.key)
    if (group === undefined) continue
    const time = bucket.span * spanMs
    const windows = replayer.windowsAt(group, bucket.address, time)
    const free = windows.map(({ key, limit }) => limit - (counts.get(key) ?? 0))
    const admitted = Math.max(0, Math.min(bucket.requests, ...free))
    for (const { key } of windows) counts.set(key, (counts.get(key) ?? 0) + admitted)
    if (admitted < bucket.requests) {
      refused.set(bucket.key, (refused.get(bucket.key) ?? 0) + bucket.requests - admitted)
    }
  }
  return refused
}
