import type { QueryInput } from '../../src/schema/query.ts'
import { boards } from '../../ui/src/overview/boards.ts'
import {
  overviewQueries,
  trafficQueries,
  type Scope,
} from '../../ui/src/overview/overview-queries.ts'
import { chooseBucket } from '../../ui/src/view/time-range.ts'

export type Page = {
  readonly name: string
  readonly queries: Readonly<Record<string, QueryInput>>
  /** The same questions to the table, as somebody would write them without permissions. */
  readonly sql: readonly string[]
}

const hour = 3_600_000
export const ranges = { hour, day: 24 * hour, '30 days': 30 * 24 * hour } as const

type Filters = Readonly<Record<string, string>>

const scopeOf = (from: number, to: number, filters: Filters): Scope => ({
  workspace: undefined,
  range: { kind: 'between', from, to },
  filters: Object.entries(filters).map(([member, value]) => ({ member, value, exclude: false })),
})

/** The pages of the Manager over a range: of everything, of a service, of a consumer, and of a service's failures. */
export function pagesOf(from: number, to: number): readonly Page[] {
  const service = { service: 'service-7' }
  const incident = { ...service, status: '503' }
  const consumer = { consumer: 'consumer-905' }
  const whole = (filters: Filters) => overviewQueries(scopeOf(from, to, filters), boards)
  const part = (filters: Filters) => trafficQueries(scopeOf(from, to, filters))
  const page = (name: string, queries: Page['queries'], filters: Filters): Page => ({
    name,
    queries,
    sql: plainSql(from, to, filters, Object.keys(queries).length > 4),
  })
  return [
    page('overview', whole({}), {}),
    page('service', part(service), service),
    page('consumer', part(consumer), consumer),
    page('incident', whole(incident), incident),
  ]
}

const columnOf: Readonly<Record<string, string>> = {
  service: 'service_name',
  route: 'route_name',
  consumer: 'consumer_name',
  workspace: 'workspace_name',
}

function plainSql(from: number, to: number, filters: Filters, isWhole: boolean): readonly string[] {
  const within = (start: number, end: number): string =>
    [
      `time >= fromUnixTimestamp64Milli(${start})`,
      `time < fromUnixTimestamp64Milli(${end})`,
      ...Object.entries(filters).map(([name, value]) => `${columnOf[name] ?? name} = '${value}'`),
    ].join(' AND ')
  const { milliseconds } = chooseBucket({ kind: 'between', from, to })
  const bucket = `toStartOfInterval(time, INTERVAL ${milliseconds / 1000} SECOND) AS bucket`
  const totals = `count(), countIf(status >= 500) / count(), quantilesDD(0.01, 0.5, 0.95, 0.99)(duration_us), countIf(outcome = 'denied')`
  const during = within(from, to)
  const traffic = [
    `SELECT ${totals} FROM requests WHERE ${during}`,
    `SELECT ${totals} FROM requests WHERE ${within(2 * from - to, from)}`,
    `SELECT ${bucket}, ${totals} FROM requests WHERE ${during} GROUP BY bucket ORDER BY bucket`,
    `SELECT ${bucket}, intDiv(status, 100) AS class, count() FROM requests WHERE ${during} GROUP BY bucket, class ORDER BY bucket`,
  ]
  if (!isWhole) return traffic
  return [
    ...traffic,
    `SELECT time, request_id, method, path, status, duration_us, gateway_us, upstream_us, receive_us, workspace_name, service_name, route_name, consumer_name, outcome, denied_by FROM requests WHERE ${during} ORDER BY time DESC LIMIT 200`,
    ...boards.map(({ member, size, excludesUnset }) => {
      const column = columnOf[member] ?? member
      const set = excludesUnset ? ` AND ${column} != ''` : ''
      return `SELECT ${column}, count() AS requests, countIf(status >= 500) FROM requests WHERE ${during}${set} GROUP BY ${column} ORDER BY requests DESC LIMIT ${size}`
    }),
  ]
}
