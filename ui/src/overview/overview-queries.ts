import type { Filter, QueryInput } from '../../../src/schema/query.ts'
import { toConditions } from '../view/filters.ts'
import type { PageFilter } from '../view/search.ts'
import { chooseBucket, toDateRange, previousDateRange, type TimeRange } from '../view/time-range.ts'
import type { Board } from './boards.ts'

/** Restricts the requests that a query reads. */
export type Scope = {
  readonly workspace: string | undefined
  readonly range: TimeRange
  readonly filters: readonly PageFilter[]
}

/** The measures of totals and time series. */
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

/** The dimensions of the table of latest requests. */
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

type Queries = Readonly<Record<string, QueryInput>>

/** All queries of the overview. */
export function overviewQueries(scope: Scope, boards: readonly Board[]): Queries {
  const queries: Record<string, QueryInput> = {
    ...trafficQueries(scope),
    latest: rowsQuery(scope, rowMembers, maxRows),
  }
  for (const board of boards) queries[`board.${board.member}`] = boardQuery(scope, board)
  return queries
}

/** The queries of totals and charts. */
export function trafficQueries(scope: Scope): Queries {
  const filters = toFilters(scope)
  const time = timeDimension(scope.range)
  const buckets = { ...time, granularity: chooseBucket(scope.range).granularity }
  const previous = { dimension: 'requests.time', dateRange: previousDateRange(scope.range) }
  return {
    totals: { measures: totalMeasures, timeDimensions: [time], filters },
    previous: { measures: totalMeasures, timeDimensions: [previous], filters },
    series: { measures: totalMeasures, timeDimensions: [buckets], filters },
    statuses: {
      measures: ['requests.count'],
      dimensions: ['requests.status_class'],
      timeDimensions: [buckets],
      filters,
    },
  }
}

/** The query of the CSV export, which is not limited to the latest rows. */
export const exportQuery = (scope: Scope): QueryInput =>
  rowsQuery(scope, rowMembers, maxExportedRows)

function boardQuery(scope: Scope, { member, excludesUnset, size }: Board): QueryInput {
  const dimension = `requests.${member}`
  // A board ignores filters on its own dimension, so that more values can be selected.
  const others = scope.filters.filter((filter) => filter.member !== member)
  const filters = toFilters({ ...scope, filters: others })
  return {
    measures: ['requests.count', 'requests.error_count'],
    dimensions: [dimension],
    timeDimensions: [timeDimension(scope.range)],
    filters: excludesUnset ? [...filters, { member: dimension, operator: 'set' }] : filters,
    order: [['requests.count', 'desc']],
    limit: size,
  }
}

const rowsQuery = (scope: Scope, dimensions: readonly string[], limit: number): QueryInput => ({
  ungrouped: true,
  dimensions: [...dimensions],
  timeDimensions: [timeDimension(scope.range)],
  filters: toFilters(scope),
  order: [['requests.time', 'desc']],
  limit,
})

const timeDimension = (range: TimeRange) => ({
  dimension: 'requests.time',
  dateRange: toDateRange(range),
})

function toFilters({ workspace, filters }: Scope): Filter[] {
  const conditions = toConditions(filters)
  if (workspace === undefined) return conditions
  return [{ member: 'requests.workspace', operator: 'equals', values: [workspace] }, ...conditions]
}
