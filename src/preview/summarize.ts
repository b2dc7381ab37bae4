import type {
  PreviewChange,
  PreviewGap,
  PreviewKind,
  PreviewDestination,
  PreviewReport,
} from '../schema/preview.ts'
import type { RouteRef } from '../proxy/exchange.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Outcome } from './open-replayer.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** The outcomes of a group under the present and the proposed configuration; undefined where they are unknown. */
export type Replayed = {
  readonly group: TrafficGroup
  readonly before: Outcome | undefined
  readonly after: Outcome | undefined
}

/** Group key → number of requests. */
export type Counts = ReadonlyMap<string, number>

export type SummaryContext = {
  /** Requests that rate limits deny, before and after. */
  readonly limited: readonly [Counts, Counts]
  /** Names of plugins that could not be replayed. */
  readonly notReplayed: ReadonlySet<string>
  /** All requests of the window. */
  readonly requests: number
  readonly proposed: Snapshot
  /** Whether the principal may see the traffic of a route, and so its name. */
  readonly isShown: (routeRef: RouteRef) => boolean
}

type Summary = Pick<PreviewReport, 'judged' | 'agreeing' | 'changes' | 'gaps' | 'notes'>

/** Sums the requests with different outcomes by consumer, route and reason, the largest first. */
export function summarize(replayed: readonly Replayed[], context: SummaryContext): Summary {
  const changes = new Map<string, PreviewChange>()
  let count = 0
  let agreeing = 0
  for (const one of replayed) {
    const { group, before, after } = one
    if (before === undefined || after === undefined) continue
    count += group.requests
    agreeing += agreementOf(group, before)
    for (const change of changesOf(group, before, after, context)) {
      const key = JSON.stringify([
        change.kind,
        change.consumer,
        change.from,
        change.to,
        change.reason,
        change.sure,
      ])
      const known = changes.get(key)
      changes.set(
        key,
        known === undefined ? change : { ...known, requests: known.requests + change.requests },
      )
    }
  }
  return {
    judged: count,
    agreeing,
    changes: [...changes.values()].sort((a, b) => b.requests - a.requests),
    gaps: gapsIn(replayed, context.requests),
    notes: notesFor(context),
  }
}

function changesOf(
  group: TrafficGroup,
  before: Outcome,
  after: Outcome,
  context: SummaryContext,
): PreviewChange[] {
  const common = {
    consumer: group.consumerName,
    from: describeDestination(before, context),
    to: describeDestination(after, context),
    requests: group.requests,
    example: { ...group.example, method: group.method, host: group.host },
  }
  const passed = before.denial === undefined
  const passes = after.denial === undefined
  if (passed && !passes) return [{ ...common, kind: 'refused', ...reasonOf(after) }]
  if (!passed && passes) return [{ ...common, kind: 'admitted', ...reasonOf(before) }]
  if (!passed) return []
  if (!isSameAnswer(before, after)) {
    const kind = after.answer === undefined ? 'forwarded' : 'answered'
    const { by, status } = after.answer ?? before.answer ?? { by: '', status: 0 }
    return [{ ...common, kind, ...reasonOf(after), by, status }]
  }
  const moved = isRerouted(before, after)
    ? [{ ...common, kind: 'rerouted' as const, ...reasonOf(after) }]
    : []
  return [...moved, ...limitChange(group, common, context)]
}

const isRerouted = ({ route: one }: Outcome, { route: other }: Outcome): boolean =>
  one?.route.id !== other?.route.id || one?.service?.service.id !== other?.service?.service.id

const isSameAnswer = ({ answer: one }: Outcome, { answer: other }: Outcome): boolean =>
  one?.by === other?.by && one?.status === other?.status

function limitChange(
  { key }: TrafficGroup,
  common: Omit<PreviewChange, 'kind' | 'by' | 'reason' | 'status' | 'sure'>,
  { limited: [before, after] }: SummaryContext,
): PreviewChange[] {
  const more = (after.get(key) ?? 0) - (before.get(key) ?? 0)
  if (more === 0) return []
  const kind: PreviewKind = more > 0 ? 'limited' : 'unlimited'
  return [
    {
      ...common,
      kind,
      requests: Math.abs(more),
      by: 'rate-limiting',
      reason: '',
      status: 429,
      sure: true,
    },
  ]
}

const reasonOf = ({ denial, isSure }: Outcome) => ({
  by: denial?.by ?? '',
  reason: denial?.reason ?? '',
  status: denial?.status ?? 0,
  sure: isSure,
})

function describeDestination({ route }: Outcome, { isShown }: SummaryContext): PreviewDestination {
  if (route === undefined) return null
  const { routeRef } = route
  if (!isShown(routeRef)) return { route: '…', service: '…', workspace: '…' }
  return {
    route: routeRef.route_name === '' ? routeRef.route : routeRef.route_name,
    service: routeRef.service_name === '' ? routeRef.service : routeRef.service_name,
    workspace: routeRef.workspace_name,
  }
}

/** The requests of a group whose recorded outcome equals the replayed one. Rate limits are not replayed for this, so a recorded 429 agrees with any outcome that a limit counts. */
function agreementOf(group: TrafficGroup, { denial, windows }: Outcome): number {
  // Redirects and fixed pages were recorded as denied by earlier versions.
  const isDenial = group.outcome === 'denied' && group.status >= 400
  const wasDenied = isDenial || group.reason === 'route.none'
  const mayBeLimited = denial === undefined && windows.length > 0 && group.status === 429
  return wasDenied === (denial !== undefined) || mayBeLimited ? group.requests : 0
}

function gapsIn(replayed: readonly Replayed[], requests: number): PreviewGap[] {
  const sum = (list: readonly Replayed[]): number =>
    list.reduce((total, { group }) => total + group.requests, 0)
  const unknown = replayed.filter(
    ({ before, after }) => before === undefined || after === undefined,
  )
  const hidden = unknown.filter(({ group }) => group.isHidden)
  const gaps = [
    { why: 'you do not have access to the caller', requests: sum(hidden) },
    {
      why: 'the route depends on request headers, which are not recorded',
      requests: sum(unknown) - sum(hidden),
    },
    {
      why: 'there are too many different requests; the least frequent ones are omitted',
      requests: requests - sum(replayed),
    },
  ]
  return gaps.filter((gap) => gap.requests > 0)
}

function notesFor({ notReplayed, proposed }: SummaryContext): string[] {
  const plugins = new Set([...proposed.plugins.values()].map(({ name }) => name))
  const names = [...notReplayed].sort()
  return [
    'Headers, bodies and query values are not recorded. Decisions that depend on them are assumed to stay the same.',
    'A denial is uncertain when it depends on something that is not recorded, such as an API key that was sent but not required.',
    ...(names.length === 0
      ? []
      : [
          `Plugins that are not replayed because they depend on unrecorded data or external services: ${names.join(', ')}.`,
        ]),
    ...(plugins.has('rate-limiting')
      ? ['Rate limit counters start at zero at the beginning of the window.']
      : []),
  ]
}
