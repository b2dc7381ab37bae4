import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  arbitraryCondition,
  arbitraryEvent,
  arbitraryFilter,
  queriedAt,
} from '../../test/harness/arbitrary-query.ts'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { openTestWarehouse } from '../../test/harness/open-test-warehouse.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import type { Event } from '../schema/event.ts'
import type { Condition, Filter } from '../schema/query.ts'
import { openAnalytics, type Analytics } from './open-analytics.ts'

const everything = buildTestRights(workspaces[0], ['+* *'])
const events = fc.sample(arbitraryEvent, { numRuns: 150, seed: 3 })

let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
let analytics: Analytics
beforeAll(async () => {
  warehouse = await openTestWarehouse()
  await warehouse.store(events)
  analytics = openAnalytics({
    warehouse,
    rightsOf: () => undefined,
    clock: { now: () => queriedAt - 250 },
  })
})
afterAll(async () => {
  await warehouse.close()
})

// Reference implementation of members without SQL.
const valueOf = (event: Event, name: string): string | number | readonly string[] => {
  const named = {
    workspace: event.workspace_name,
    service: event.service_name,
    service_id: event.service,
    route: event.route_name,
    consumer: event.consumer_name,
    status_class: `${Math.floor(event.status / 100)}xx`,
    duration: event.duration_us / 1000,
    time: Number(event.time) * 1000,
  }[name]
  return named ?? (event[name as keyof Event] as string)
}

const instant = (text: string): readonly [number, number] => {
  if (text === '6 hours ago') return [queriedAt - 6 * 3_600_000, queriedAt - 6 * 3_600_000]
  const start = Date.parse(text.length === 10 || text.endsWith('Z') ? text : `${text}Z`)
  return [start, text.length === 10 ? start + 86_400_000 : start]
}

const range = ([first = '', second]: readonly string[]): readonly [number, number] => {
  if (first === 'today') return instant('2026-03-29')
  if (first === 'last 3 hours') return [queriedAt - 3 * 3_600_000, queriedAt]
  return [instant(first)[0], instant(second ?? first)[1]]
}

const has = (items: readonly string[], test: (item: string) => boolean): boolean => items.some(test)

function holds(event: Event, { member, operator, values = [] }: Condition): boolean {
  const value = valueOf(event, member.slice('requests.'.length))
  const negative = /^not(.)(.*)$/.exec(operator)
  if (negative !== null) {
    const positive = `${negative[1]?.toLowerCase()}${negative[2]}` as Condition['operator']
    return !holds(event, { member, operator: positive, values })
  }
  if (typeof value === 'number') return numberHolds(value, { member, operator, values })
  const items = typeof value === 'string' ? [value] : value
  const like = (test: (item: string, wanted: string) => boolean): boolean =>
    has(items, (item) => has(values, (wanted) => test(item.toLowerCase(), wanted.toLowerCase())))
  const verdicts: Readonly<Record<string, boolean>> = {
    set: items.length > 0 && value !== '',
    equals: has(items, (item) => values.includes(item)),
    contains: like((item, wanted) => item.includes(wanted)),
    startsWith: like((item, wanted) => item.startsWith(wanted)),
    endsWith: like((item, wanted) => item.endsWith(wanted)),
  }
  return verdicts[operator] ?? false
}

function numberHolds(value: number, { operator, values = [] }: Condition): boolean {
  const [first = ''] = values
  const [start, end] = /Date/.test(operator) && operator !== 'inDateRange' ? instant(first) : [0, 0]
  const isDay = end > start
  const [from, to] = operator === 'inDateRange' ? range(values) : [0, 0]
  const verdicts: Readonly<Record<string, boolean>> = {
    set: value !== 0,
    equals: values.map(Number).includes(value),
    gt: value > Number(first),
    gte: value >= Number(first),
    lt: value < Number(first),
    lte: value <= Number(first),
    inDateRange: value >= from && value < to,
    beforeDate: value < start,
    beforeOrOnDate: isDay ? value < end : value <= start,
    afterDate: isDay ? value >= end : value > start,
    afterOrOnDate: value >= start,
  }
  return verdicts[operator] ?? false
}

const holdsAll = (event: Event, filter: Filter): boolean =>
  'and' in filter
    ? filter.and.every((part) => holdsAll(event, part))
    : 'or' in filter
      ? filter.or.some((part) => holdsAll(event, part))
      : holds(event, filter)

const ids = async (filters: Filter[]): Promise<readonly string[]> => {
  const { data } = await analytics.answer(everything, {
    dimensions: ['requests.request_id'],
    filters,
    ungrouped: true,
  })
  return data.map((row) => row['requests.request_id'] as string).toSorted()
}

const expected = (filter: Filter): readonly string[] =>
  events
    .filter((event) => holdsAll(event, filter))
    .map((event) => event.request_id.replaceAll('-', ''))
    .toSorted()

test('every operator selects the rows that a plain implementation selects', async () => {
  const conditions = fc.sample(arbitraryCondition, { numRuns: 400, seed: 4 }) as Condition[]
  for (const condition of conditions)
    expect({ condition, ids: await ids([condition]) }).toEqual({
      condition,
      ids: expected(condition),
    })
  expect(new Set(conditions.map(({ operator }) => operator)).size).toBe(20)
}, 180_000)

test('and / or groups combine their conditions', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryFilter, async (filter) => {
      expect(await ids([filter])).toEqual(expected(filter))
    }),
    { numRuns: 150 },
  )
}, 180_000)

test('measures equal those computed by hand for each group', async () => {
  const { data } = await analytics.answer(everything, {
    measures: [
      'count',
      'error_count',
      'error_rate',
      'duration_max',
      'duration_avg',
      'response_bytes_sum',
      'clients',
    ].map((name) => `requests.${name}`),
    dimensions: ['requests.method', 'requests.outcome'],
    order: { 'requests.method': 'asc', 'requests.outcome': 'asc' },
  })
  const groups = Object.entries(
    Object.groupBy(events, ({ method, outcome }) => `${method} ${outcome}`),
  ).toSorted(([one], [other]) => (one < other ? -1 : 1))
  expect(data).toEqual(
    groups.map(([key, rows = []]) => {
      const [method, outcome] = key.split(' ')
      const errors = rows.filter(({ status }) => status >= 500).length
      const durations = rows.map(({ duration_us }) => duration_us / 1000)
      const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
      return {
        'requests.method': method,
        'requests.outcome': outcome,
        'requests.count': rows.length,
        'requests.error_count': errors,
        'requests.error_rate': errors / rows.length,
        'requests.duration_max': Math.max(...durations),
        'requests.duration_avg': expect.closeTo(sum(durations) / rows.length, 3) as number,
        'requests.response_bytes_sum': sum(rows.map(({ response_bytes }) => response_bytes)),
        'requests.clients': new Set(rows.map(({ client_address }) => client_address)).size,
      }
    }),
  )
})
