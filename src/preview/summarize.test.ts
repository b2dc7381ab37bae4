import { expect, test } from 'vitest'
import { runToCompletion } from '../lib/cooperative-task.ts'
import type { RouteProgram } from '../proxy/program.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Window } from '../proxy/plugin.ts'
import type { Outcome } from './open-replayer.ts'
import { replayLimits } from './replay-limits.ts'
import { summarize, type Replayed } from './summarize.ts'
import type { TrafficGroup } from './traffic-group.ts'

const group = (given: Partial<TrafficGroup>): TrafficGroup =>
  ({
    key: 'k',
    consumerName: 'ann',
    outcome: 'allowed',
    reason: '',
    status: 200,
    requests: 1,
    isHidden: false,
    example: {},
    ...given,
  }) as TrafficGroup

const route = {
  route: { id: 'r' },
  service: undefined,
  routeRef: { route: 'r', route_name: 'list', service: 's', service_name: '', workspace_name: 'A' },
} as unknown as RouteProgram
const passes: Outcome = { route, denial: undefined, answer: undefined, isSure: true, windows: [] }
const denied = (isSure = true): Outcome => ({
  ...passes,
  denial: { by: 'acl', reason: 'acl.denied', status: 403 },
  isSure,
})

const context = {
  limited: [new Map(), new Map()] as [Map<string, number>, Map<string, number>],
  notReplayed: new Set<string>(),
  requests: 0,
  proposed: { plugins: [] } as unknown as Snapshot,
  isShown: () => true,
}
const kinds = (replayed: readonly Replayed[], given: Partial<typeof context> = {}) =>
  summarize(replayed, { ...context, ...given }).changes.map(({ kind, requests, sure }) => [
    kind,
    requests,
    sure,
  ])

test('sums equal changes, keeps certain and uncertain ones apart, and lists the largest first', () => {
  const change = (requests: number, after: Outcome): Replayed => ({
    group: group({ requests }),
    before: passes,
    after,
  })
  const replayed = [change(1, denied()), change(2, denied()), change(5, denied(false))]
  expect(kinds(replayed)).toEqual([
    ['refused', 5, false],
    ['refused', 3, true],
  ])
})

test('names each kind of change', () => {
  const other = { ...route, route: { id: 'other' } } as unknown as RouteProgram
  expect(kinds([{ group: group({}), before: denied(), after: passes }])).toEqual([
    ['admitted', 1, true],
  ])
  expect(kinds([{ group: group({}), before: passes, after: { ...passes, route: other } }])).toEqual(
    [['rerouted', 1, true]],
  )
  expect(kinds([{ group: group({}), before: denied(), after: denied() }])).toEqual([])
  const limited: typeof context.limited = [new Map([['k', 2]]), new Map([['k', 5]])]
  const same = [{ group: group({ requests: 9 }), before: passes, after: passes }]
  expect(kinds(same, { limited })).toEqual([['limited', 3, true]])
  expect(kinds(same, { limited: [limited[1], limited[0]] })).toEqual([['unlimited', 3, true]])
})

test('counts the requests whose replayed outcome equals the recorded one', () => {
  const counted = { ...passes, windows: [{}] as unknown as readonly Window[] }
  const agreeing = (given: Partial<TrafficGroup>, before: Outcome): number =>
    summarize([{ group: group({ requests: 4, ...given }), before, after: before }], context)
      .agreeing
  expect(agreeing({}, passes)).toBe(4)
  expect(agreeing({ outcome: 'denied', status: 403 }, passes)).toBe(0)
  expect(agreeing({ outcome: 'denied', status: 403 }, denied())).toBe(4)
  expect(agreeing({ outcome: 'failed', reason: 'route.none' }, denied())).toBe(4)
  expect(agreeing({ outcome: 'denied', status: 429 }, counted)).toBe(4)
  expect(agreeing({ outcome: 'denied', status: 403 }, counted)).toBe(0)
})

test('reports the number of requests that could not be replayed, and why', () => {
  const unknown = { before: undefined, after: undefined }
  const { gaps, judged } = summarize(
    [
      { group: group({ isHidden: true, requests: 1 }), ...unknown },
      { group: group({ requests: 2 }), ...unknown },
      { group: group({ requests: 4 }), before: passes, after: passes },
    ],
    { ...context, requests: 15 },
  )
  expect(judged).toBe(4)
  expect(gaps.map(({ requests }) => requests)).toEqual([1, 2, 8])
})

test('a window admits up to its limit over all groups and spans, and then denies', async () => {
  const window = (time: number): readonly Window[] =>
    [{ key: `w${Math.floor(time / 1000)}`, limit: 3 }] as unknown as readonly Window[]
  const groups = new Map(['a', 'b'].map((key) => [key, group({ key })]))
  const bucket = (key: string, span: number, requests: number) => ({
    key,
    address: '',
    span,
    requests,
  })
  const buckets = [
    bucket('a', 0, 2),
    bucket('b', 0, 2),
    bucket('x', 0, 9),
    bucket('a', 1, 1),
    bucket('a', 2, 5),
  ]
  const denials = runToCompletion(
    replayLimits({ windowsAt: (_, __, time) => window(time) }, groups, buckets, 500),
  )
  expect([...denials]).toEqual([
    ['b', 1],
    ['a', 3],
  ])
})

test('a destination whose traffic the reader may not see has no name', () => {
  const replayed = [{ group: group({}), before: denied(), after: passes }]
  const [hidden] = summarize(replayed, { ...context, isShown: () => false }).changes
  expect(hidden?.to).toEqual({ route: '…', service: '…', workspace: '…' })
})
