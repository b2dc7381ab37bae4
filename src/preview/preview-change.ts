import { decideRow } from '../access/decide-row.ts'
import type { Rights } from '../access/rights.ts'
import { callerRule, trafficRule } from '../access/row-rules.ts'
import { runBetweenEvents, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { PluginDefinition, Window } from '../proxy/plugin.ts'
import type { PreviewReport } from '../schema/preview.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'
import { openReplayer, type Outcome, type Replayer } from './open-replayer.ts'
import { readBuckets, readGroups, type TrafficScope } from './read-traffic.ts'
import { anyAddress } from './recorded-request.ts'
import { replayLimits } from './replay-limits.ts'
import { summarize, type Counts, type Replayed } from './summarize.ts'
import type { TrafficGroup } from './traffic-group.ts'

export type PreviewContext = {
  readonly warehouse: Pick<Warehouse, 'query'>
  readonly catalog: readonly PluginDefinition[]
  readonly log?: Log
}

export type PreviewRequest = {
  readonly rights: Rights
  readonly present: Snapshot
  readonly proposed: Snapshot
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Replays recorded requests that the principal sees against the present and the proposed configuration and reports different
 * outcomes. The present one is replayed too, so that data that is not recorded is missing on both sides.
 */
export async function previewChange(
  { warehouse, catalog, log }: PreviewContext,
  { rights, present, proposed, from, to, onProgress }: PreviewRequest,
): Promise<PreviewReport> {
  const startedAt = performance.now()
  const snapshots = [present, proposed]
  const replayers = snapshots.map((snapshot) =>
    openReplayer({ snapshot, catalog, present, now: to, log }),
  )
  const [before, after] = replayers as [Replayer, Replayer]
  try {
    const [rows, callers] = [trafficRule(rights), callerRule(rights, 'consumers')]
    const scope: TrafficScope = { warehouse, rows, callers, from, to, snapshots }
    const { groups, requests } = await readGroups(scope)
    const replayed = await runBetweenEvents(replayGroups(groups, [before, after], onProgress))
    const limited = await limitsOf(scope, before, after, replayed)
    const notReplayed = new Set([...before.notReplayed, ...after.notReplayed])
    return {
      from,
      to,
      requests,
      ...summarize(replayed, {
        limited,
        notReplayed,
        requests,
        proposed,
        isShown: (routeRef) => decideRow(scope.rows, routeRef),
      }),
      took: Math.round(performance.now() - startedAt),
    }
  } finally {
    for (const replayer of replayers) replayer.close()
  }
}

/** Groups between two reports of progress. */
const reportInterval = 2_000

function* replayGroups(
  groups: readonly TrafficGroup[],
  [before, after]: readonly [Replayer, Replayer],
  onProgress: PreviewRequest['onProgress'],
): CooperativeTask<Replayed[]> {
  const replayed: Replayed[] = []
  for (const group of groups) {
    yield
    const outcomeOf = (replayer: Replayer): Outcome | undefined =>
      group.isHidden ? undefined : replayer.replay(group)
    replayed.push({ group, before: outcomeOf(before), after: outcomeOf(after) })
    if (replayed.length % reportInterval === 0) onProgress?.(replayed.length, groups.length)
  }
  return replayed
}

/** The requests that rate limits deny before and after, of the groups for which that can differ. */
async function limitsOf(
  scope: TrafficScope,
  before: Replayer,
  after: Replayer,
  replayed: readonly Replayed[],
): Promise<readonly [Counts, Counts]> {
  const counted = countedDifferently(replayed)
  if (counted.length === 0) return [new Map(), new Map()]
  const keys = counted.map(({ group }) => group.key)
  const windows = counted.flatMap(windowsOf)
  const byAddress = windows.some(({ key }) => key.includes(` ${anyAddress} `))
  const spanMs = shortestWindow([before, after], counted)
  const found = await readBuckets(scope, keys, spanMs, byAddress)
  const buckets = found.toSorted((a, b) => a.span - b.span)
  const limitedBy = (replayer: Replayer, groups: ReadonlyMap<string, TrafficGroup>) =>
    runBetweenEvents(replayLimits(replayer, groups, buckets, spanMs))
  return [
    await limitedBy(before, countedGroups(counted, 'before')),
    await limitedBy(after, countedGroups(counted, 'after')),
  ]
}

const windowsOf = ({ before, after }: Replayed): readonly Window[] => [
  ...(before?.windows ?? []),
  ...(after?.windows ?? []),
]

/** The groups with other windows than before, and the groups that share a window with one of them. */
function countedDifferently(replayed: readonly Replayed[]): readonly Replayed[] {
  const textOf = (windows: readonly Window[] = []): string =>
    windows.map(({ key, limit }) => `${key} ${limit}`).join()
  const different = replayed.filter(
    (one) => textOf(one.before?.windows) !== textOf(one.after?.windows),
  )
  const keys = new Set(different.flatMap(windowsOf).map(({ key }) => key))
  return replayed.filter((one) => windowsOf(one).some(({ key }) => keys.has(key)))
}

/** The groups that rate limits count on one side. */
const countedGroups = (
  counted: readonly Replayed[],
  side: 'before' | 'after',
): ReadonlyMap<string, TrafficGroup> =>
  new Map(
    counted
      .filter((one) => (one[side]?.windows.length ?? 0) > 0)
      .map(({ group }) => [group.key, group]),
  )

/** The length of the shortest window in milliseconds. A window that contains the epoch ends at its own length. */
function shortestWindow(replayers: readonly Replayer[], counted: readonly Replayed[]): number {
  const lengths = counted.flatMap(({ group }) =>
    replayers.flatMap((replayer) =>
      replayer.windowsAt(group, anyAddress, 0).map(({ endsAt }) => endsAt),
    ),
  )
  return lengths.reduce((shortest, length) => Math.min(shortest, length), 3_600_000)
}

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Parses a duration such as 30m, 24h or 7d to milliseconds. */
export function parseWindow(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const length = Number(count) * (units[unit] ?? 0)
  if (length > 0) return length
  throw new Problem(
    'preview.window',
    400,
    `window: expected a duration such as 30m, 24h or 7d, got '${text}'`,
  )
}
