import { setImmediate } from 'node:timers/promises'
import type { Rights } from '../access/rights.ts'
import { collectionRule, trafficRule } from '../access/row-rules.ts'
import type { PluginDefinition, Window } from '../proxy/plugin.ts'
import type { PreviewReport } from '../schema/preview.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'
import { addUp, type Counted, type Judged } from './add-up.ts'
import { anyAddress, openJudge, type Judge } from './open-judge.ts'
import { readBuckets, readGroups, type TrafficScope } from './read-traffic.ts'
import { replayLimits } from './replay-limits.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** What previews are made with. */
export type PreviewTools = {
  readonly warehouse: Pick<Warehouse, 'query'>
  readonly catalog: readonly PluginDefinition[]
}

/** What is compared, over which time, and for whom. */
export type PreviewRequest = {
  readonly rights: Rights
  readonly present: Snapshot
  readonly proposed: Snapshot
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly tell?: ((done: number, total: number) => void) | undefined
}

/**
 * Replays recorded requests against a proposed configuration: groups of like requests are read, as far as the asker may
 * see them, put to the present and to the proposed program, and what fares differently is added up. Both sides are
 * replayed, so that what events do not hold is missing on both.
 */
export async function previewChange(
  { warehouse, catalog }: PreviewTools,
  { rights, present, proposed, from, to, tell }: PreviewRequest,
): Promise<PreviewReport> {
  const began = performance.now()
  const snapshots = [present, proposed]
  const judges = snapshots.map((snapshot) => openJudge({ snapshot, catalog, present, now: to }))
  const [before, after] = judges as [Judge, Judge]
  try {
    const [rows, callers] = [trafficRule(rights), collectionRule(rights, 'consumers')]
    const scope: TrafficScope = { warehouse, rows, callers, from, to, snapshots }
    const { groups, requests } = await readGroups(scope)
    const judged: Judged[] = []
    for (const group of groups) {
      const verdictOf = (judge: Judge) => (group.isHidden ? undefined : judge.judge(group))
      judged.push({ group, before: verdictOf(before), after: verdictOf(after) })
      if (judged.length % runToCompletion === 0) {
        tell?.(judged.length, groups.length)
        await setImmediate()
      }
    }
    const limited = await limitsOf(scope, [before, after], judged)
    const unasked = new Set([...before.unasked, ...after.unasked])
    return {
      from,
      to,
      requests,
      ...addUp(judged, { limited, unasked, requests, proposed }),
      took: Math.round(performance.now() - began),
    }
  } finally {
    for (const judge of judges) judge.close()
  }
}

const runToCompletion = 2000

/** By key of the group, how many requests limits refuse, before and after; only of groups for which that can differ. */
async function limitsOf(
  scope: TrafficScope,
  [before, after]: readonly [Judge, Judge],
  judged: readonly Judged[],
): Promise<readonly [Counted, Counted]> {
  const counted = countedDifferently(judged)
  if (counted.length === 0) return [new Map(), new Map()]
  const keys = counted.map(({ group }) => group.key)
  const windows = counted.flatMap(windowsOf)
  const byAddress = windows.some(({ key }) => key.includes(` ${anyAddress} `))
  const spanMs = shortestWindow([before, after], counted)
  const found = await readBuckets(scope, { keys, spanMs, byAddress })
  const of = { buckets: found.toSorted((a, b) => a.span - b.span), spanMs }
  return [
    await replayLimits(before, groupsIn(counted, 'before'), of),
    await replayLimits(after, groupsIn(counted, 'after'), of),
  ]
}

const windowsOf = ({ before, after }: Judged): readonly Window[] => [
  ...(before?.windows ?? []),
  ...(after?.windows ?? []),
]

/** Groups that are counted otherwise than before, and those that share a window with one of them. */
function countedDifferently(judged: readonly Judged[]): readonly Judged[] {
  const textOf = (windows: readonly Window[] = []): string =>
    windows.map(({ key, limit }) => `${key} ${limit}`).join()
  const different = judged.filter(
    (one) => textOf(one.before?.windows) !== textOf(one.after?.windows),
  )
  const keys = new Set(different.flatMap(windowsOf).map(({ key }) => key))
  return judged.filter((one) => windowsOf(one).some(({ key }) => keys.has(key)))
}

/** Groups that get as far as being counted. */
const groupsIn = (
  counted: readonly Judged[],
  side: 'before' | 'after',
): ReadonlyMap<string, TrafficGroup> =>
  new Map(
    counted
      .filter((one) => (one[side]?.windows.length ?? 0) > 0)
      .map(({ group }) => [group.key, group]),
  )

/** Milliseconds of the shortest window; at the beginning of all time every window has its whole length before it. */
function shortestWindow(judges: readonly Judge[], counted: readonly Judged[]): number {
  const lengths = counted.flatMap(({ group }) =>
    judges.flatMap((judge) => judge.windowsAt(group, anyAddress, 0).map(({ endsAt }) => endsAt)),
  )
  return lengths.reduce((least, length) => Math.min(least, length), 3_600_000)
}
