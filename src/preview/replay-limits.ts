import { setImmediate } from 'node:timers/promises'
import type { Judge } from './open-judge.ts'
import type { TrafficBucket, TrafficGroup } from './traffic-group.ts'

const runToCompletion = 5000

/**
 * How many requests of each group limits would refuse, by key of the group. Spans are replayed in the order of time. Who
 * came first within one span is not known, so there the groups are served in turn; the sum is exact all the same where
 * no window is shorter than a span.
 */
export async function replayLimits(
  judge: Judge,
  groups: ReadonlyMap<string, TrafficGroup>,
  { buckets, spanMs }: { readonly buckets: readonly TrafficBucket[]; readonly spanMs: number },
): Promise<ReadonlyMap<string, number>> {
  const refused = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const [index, bucket] of buckets.entries()) {
    const group = groups.get(bucket.key)
    if (group === undefined) continue
    const time = bucket.span * spanMs
    const windows = judge.windowsAt(group, bucket.address, time)
    const free = windows.map(({ key, limit }) => limit - (counts.get(key) ?? 0))
    const admitted = Math.max(0, Math.min(bucket.requests, ...free))
    for (const { key } of windows) counts.set(key, (counts.get(key) ?? 0) + admitted)
    if (admitted < bucket.requests) {
      refused.set(bucket.key, (refused.get(bucket.key) ?? 0) + bucket.requests - admitted)
    }
    if (index % runToCompletion === runToCompletion - 1) await setImmediate()
  }
  return refused
}
