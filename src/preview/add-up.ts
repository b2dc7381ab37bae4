import type {
  PreviewChange,
  PreviewGap,
  PreviewKind,
  PreviewPlace,
  PreviewReport,
} from '../schema/preview.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Verdict } from './open-judge.ts'
import type { TrafficGroup } from './traffic-group.ts'

/** A group with what the present and the proposed program make of it; undefined where that cannot be told. */
export type Judged = {
  readonly group: TrafficGroup
  readonly before: Verdict | undefined
  readonly after: Verdict | undefined
}

/** By key of the group, a number of requests. */
export type Counted = ReadonlyMap<string, number>

/** What is known beside the verdicts. */
export type Facts = {
  /** By key of the group, requests that limits refuse: before, and after. */
  readonly limited: readonly [Counted, Counted]
  readonly unasked: ReadonlySet<string>
  /** All requests of the window. */
  readonly requests: number
  readonly proposed: Snapshot
}

type Sum = Pick<PreviewReport, 'judged' | 'agreeing' | 'changes' | 'gaps' | 'notes'>

/** Adds up what fares differently, by consumer, route and reason, the most requests first. */
export function addUp(judged: readonly Judged[], facts: Facts): Sum {
  const changes = new Map<string, PreviewChange>()
  let count = 0
  let agreeing = 0
  for (const one of judged) {
    const { group, before, after } = one
    if (before === undefined || after === undefined) continue
    count += group.requests
    agreeing += agreementOf(group, before)
    for (const change of changesOf({ group, before, after }, facts)) {
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
    gaps: gapsIn(judged, facts.requests),
    notes: notesFor(facts),
  }
}

type Both = { readonly group: TrafficGroup; readonly before: Verdict; readonly after: Verdict }

function changesOf({ group, before, after }: Both, facts: Facts): PreviewChange[] {
  const usual = {
    consumer: group.consumerName,
    from: placeOf(before),
    to: placeOf(after),
    requests: group.requests,
    example: { ...group.example, method: group.method, host: group.host },
  }
  const passed = before.refusal === undefined
  const passes = after.refusal === undefined
  if (passed && !passes) return [{ ...usual, kind: 'refused', ...reasonOf(after) }]
  if (!passed && passes) return [{ ...usual, kind: 'admitted', ...reasonOf(before) }]
  if (!passed) return []
  if (!isSameAnswer(before, after)) {
    const kind = after.answer === undefined ? 'forwarded' : 'answered'
    const { by, status } = after.answer ?? before.answer ?? { by: '', status: 0 }
    return [{ ...usual, kind, ...reasonOf(after), by, status }]
  }
  const moved = isElsewhere(before, after)
    ? [{ ...usual, kind: 'rerouted' as const, ...reasonOf(after) }]
    : []
  return [...moved, ...limitChange(group, usual, facts)]
}

const isElsewhere = ({ route: one }: Verdict, { route: other }: Verdict): boolean =>
  one?.route.id !== other?.route.id || one?.service?.service.id !== other?.service?.service.id

const isSameAnswer = ({ answer: one }: Verdict, { answer: other }: Verdict): boolean =>
  one?.by === other?.by && one?.status === other?.status

function limitChange(
  { key }: TrafficGroup,
  usual: Omit<PreviewChange, 'kind' | 'by' | 'reason' | 'status' | 'sure'>,
  { limited: [before, after] }: Facts,
): PreviewChange[] {
  const more = (after.get(key) ?? 0) - (before.get(key) ?? 0)
  if (more === 0) return []
  const kind: PreviewKind = more > 0 ? 'limited' : 'unlimited'
  return [
    {
      ...usual,
      kind,
      requests: Math.abs(more),
      by: 'rate-limiting',
      reason: '',
      status: 429,
      sure: true,
    },
  ]
}

const reasonOf = ({ refusal, isSure }: Verdict) => ({
  by: refusal?.by ?? '',
  reason: refusal?.reason ?? '',
  status: refusal?.status ?? 0,
  sure: isSure,
})

function placeOf({ route }: Verdict): PreviewPlace {
  if (route === undefined) return null
  const { routeRef } = route
  return {
    route: routeRef.route_name === '' ? routeRef.route : routeRef.route_name,
    service: routeRef.service_name === '' ? routeRef.service : routeRef.service_name,
    workspace: routeRef.workspace_name,
  }
}

/** How many requests of a group fared as the replay says. Limits are not replayed for this: where one counts, both may be. */
function agreementOf(group: TrafficGroup, { refusal, windows }: Verdict): number {
  // Redirects and fixed pages were recorded as denied by earlier versions.
  const isRefusal = group.outcome === 'denied' && group.status >= 400
  const wasRefused = isRefusal || group.reason === 'route.none'
  const mayBoth = refusal === undefined && windows.length > 0 && group.status === 429
  return wasRefused === (refusal !== undefined) || mayBoth ? group.requests : 0
}

function gapsIn(judged: readonly Judged[], requests: number): PreviewGap[] {
  const sum = (list: readonly Judged[]): number =>
    list.reduce((total, { group }) => total + group.requests, 0)
  const unknown = judged.filter(({ before, after }) => before === undefined || after === undefined)
  const hidden = unknown.filter(({ group }) => group.isHidden)
  const gaps = [
    { why: 'who called is hidden from you', requests: sum(hidden) },
    {
      why: 'the route depends on headers, which are not recorded',
      requests: sum(unknown) - sum(hidden),
    },
    {
      why: 'there are too many different requests; the rarest were left out',
      requests: requests - sum(judged),
    },
  ]
  return gaps.filter((gap) => gap.requests > 0)
}

function notesFor({ unasked, proposed }: Facts): string[] {
  const kinds = new Set(proposed.plugins.map(({ name }) => name))
  const asked = [...unasked].sort()
  return [
    'Events hold no headers, bodies or query values: what plugins decide by those is taken to stay as it was.',
    'A refusal is marked as unsure where a request may have carried what nobody asked it for, such as an API key.',
    ...(asked.length === 0
      ? []
      : [
          `Not replayed, because they look at what was not recorded or ask others: ${asked.join(', ')}.`,
        ]),
    ...(kinds.has('rate-limiting')
      ? ['Limits begin with empty counts at the start of the window.']
      : []),
  ]
}
