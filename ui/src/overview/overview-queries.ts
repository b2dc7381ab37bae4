import type { Filter, QueryInput } from '../../../src/schema/query.ts'
import type { Queries } from '../api/subscribe.ts'
import { conditionsOf } from '../view/filters.ts'
import type { PageFilter } from '../view/search.ts'
import { bucketOf, dateRangeOf, previousDateRangeOf, type TimeRange } from '../view/time-range.ts'
import type { Board } from './boards.ts'

/** What the queries of a page depend on. */
export type Scope = {
  readonly workspace: string | undefined
  readonly range: TimeRange
  readonly filters: readonly PageFilter[]
}

/** What every time series and total of the overview measures. */
export const totalMeasures = [
  'requests.count',
  'requests.per_second',
  'requests.error_rate',
  'requests.duration_p50',
  'requests.duration_p95',
  'requests.duration_p99',
  'requests.denied_count',
  'requests.denied_rate',
]

/** What the table of latest requests shows, and what its details begin with. */
export const rowMembers = [
  'time',
  'request_id',
  'method',
  'path',
  'status',
  'duration',
  'gateway_duration',
  'upstream_duration',
  'receive_duration',
  'workspace',
  'service',
  'route',
  'consumer',
  'outcome',
  'denied_by',
].map((name) => `requests.${name}`)

const maxRows = 200
const maxExportedRows = 50_000

/** All queries of the overview, to be asked over one subscription. */
export function overviewQueries(scope: Scope, boards: readonly Board[]): Queries {
  const queries: Record<string, QueryInput> = {
    ...trafficQueries(scope),
    latest: rowsQuery(scope, rowMembers, maxRows),
  }
  for (const board of boards) queries[`board.${board.member}`] = boardQuery(scope, board)
  return queries
}

/** The queries behind the numbers and charts of some traffic. */
export function trafficQueries(scope: Scope): Queries {
  const filters = filtersOf(scope)
  const time = timeOf(scope.range)
  const cut = { ...time, granularity: bucketOf(scope.range).granularity }
  const before = { dimension: 'requests.time', dateRange: previousDateRangeOf(scope.range) }
  return {
    totals: { measures: totalMeasures, timeDimensions: [time], filters },
    previous: { measures: totalMeasures, timeDimensions: [before], filters },
    series: { measures: totalMeasures, timeDimensions: [cut], filters },
    statuses: {
      measures: ['requests.count'],
      dimensions: ['requests.status_class'],
      timeDimensions: [cut],
      filters,
    },
  }
}

/** The question whose CSV answer is every row of the table, not only the latest. */
export const exportQuery = (scope: Scope): QueryInput =>
  rowsQuery(scope, rowMembers, maxExportedRows)

function boardQuery(scope: Scope, { member, onlySet, size }: Board): QueryInput {
  const dimension = `requests.${member}`
  // A board ignores filters on its own member, so that more of its values can be picked.
  const others = scope.filters.filter((filter) => filter.member !== member)
  const filters = filtersOf({ ...scope, filters: others })
  return {
    measures: ['requests.count', 'requests.error_count'],
    dimensions: [dimension],
    timeDimensions: [timeOf(scope.range)],
    filters: onlySet ? [...filters, { member: dimension, operator: 'set' }] : filters,
    order: [['requests.count', 'desc']],
    limit: size,
  }
}

const rowsQuery = (scope: Scope, dimensions: readonly string[], limit: number): QueryInput => ({
  ungrouped: true,
  dimensions: [...dimensions],
  timeDimensions: [timeOf(scope.range)],
  filters: filtersOf(scope),
  order: [['requests.time', 'desc']],
  limit,
})

const timeOf = (range: TimeRange) => ({
  dimension: 'requests.time',
  dateRange: dateRangeOf(range),
})

function filtersOf({ workspace, filters }: Scope): Filter[] {
  const conditions = conditionsOf(filters)
  if (workspace === undefined) return conditions
  return [{ member: 'requests.workspace', operator: 'equals', values: [workspace] }, ...conditions]
}
