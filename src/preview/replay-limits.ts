import { setImmediate } from 'node:timers/promises'
import type { Replayer } from './open-replayer.ts'
import type { TrafficBucket, TrafficGroup } from './traffic-group.ts'

const batchSize = 5000

/**
 * The number of requests of each group that rate limits deny. `buckets` are in order of time. The order of requests within a
 * span is unknown: groups are served in turn. The total is exact unless a window is shorter than a span.
 */
export async function replayLimits(
  replayer: Pick<Replayer, 'windowsAt'>,
  groups: ReadonlyMap<string, TrafficGroup>,
  buckets: readonly TrafficBucket[],
  spanMs: number,
): Promise<ReadonlyMap<string, number>> {
  const refused = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const [index, bucket] of buckets.entries()) {
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
    if (index % batchSize === batchSize - 1) await setImmediate()
  }
  return refused
}
