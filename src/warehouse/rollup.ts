import { eventColumns, type EventColumnName } from '../schema/event.ts'
import type { Table } from './tables.ts'

/** A column of a rollup: the state of an aggregate over the rows of a group. */
export type RollupState = {
  readonly type: string
  /** Over rows of the source. */
  readonly build: string
  /** Over rows of a finer rollup. */
  readonly merge: string
}

/** An aggregate as datasets write it, computed from states. */
export type RollupAggregate = {
  readonly states: readonly string[]
  readonly sql: string
}

/**
 * Rows of a table, grouped by columns and by time. It is built in units of time, each by one INSERT … SELECT once the
 * unit is over; a unit whose source changes later is built again under another id, and rows of other builds are not read.
 */
export type Rollup = {
  readonly name: string
  readonly source: string
  /** Length of a bucket. `time` is its start, in UTC. */
  readonly seconds: number
  /** Length of the units in which it is built. */
  readonly unitSeconds: number
  /** Columns of the source by which rows are grouped, in the order of the table. */
  readonly keys: readonly string[]
  readonly states: Readonly<Record<string, RollupState>>
  readonly aggregates: ReadonlyMap<string, RollupAggregate>
  /** A rollup with the same keys and shorter buckets, from which a unit is built where it is complete. */
  readonly finer?: string
  /** A unit with fewer source rows is not built: reading the source is as fast. */
  readonly minRows: number
  /** Days until its rows expire, when that is before the rows of the source do. */
  readonly retentionDays?: number
}

const sumOf = (build: string, column: string): RollupState => ({
  type: 'SimpleAggregateFunction(sum, UInt64)',
  build,
  merge: `sum(${column})`,
})
const maxOf = (build: string, column: string, type: string): RollupState => ({
  type: `SimpleAggregateFunction(max, ${type})`,
  build,
  merge: `max(${column})`,
})

/** Relative error, then levels. Sketches of this kind merge without further error. */
const levels = '0.01, 0.5, 0.9, 0.95, 0.99'
const quantilesOf = (args: string, column: string): RollupState => ({
  type: `AggregateFunction(quantilesDD(${levels}), UInt64)`,
  build: args.includes(',')
    ? `quantilesDDStateIf(${levels})(${args})`
    : `quantilesDDState(${levels})(${args})`,
  merge: `quantilesDDMergeState(${levels})(${column})`,
})

const counts = {
  rows: sumOf('count()', 'rows'),
  errors: sumOf('countIf(status >= 500)', 'errors'),
  denied: sumOf(`countIf(outcome = 'denied')`, 'denied'),
  failed: sumOf(`countIf(outcome = 'failed')`, 'failed'),
  request_bytes_sum: sumOf('sum(request_bytes)', 'request_bytes_sum'),
  response_bytes_sum: sumOf('sum(response_bytes)', 'response_bytes_sum'),
  duration_sum: sumOf('sum(duration_us)', 'duration_sum'),
  duration_max: maxOf('max(duration_us)', 'duration_max', 'UInt64'),
  last_time: maxOf('max(time)', 'last_time', eventColumns.time.type),
}
const sketches = {
  duration_sketch: quantilesOf('duration_us', 'duration_sketch'),
  upstream_sketch: quantilesOf('upstream_us, tries > 0', 'upstream_sketch'),
  gateway_sketch: quantilesOf('gateway_us', 'gateway_sketch'),
}

const sketchAggregate = (args: string, column: string): [string, RollupAggregate] => [
  `quantilesDD${args.includes(',') ? 'If' : ''}(${levels})(${args})`,
  { states: [column], sql: `quantilesDDMerge(${levels})(${column})` },
]

/** Each state answers the aggregate that builds it; the mean is computed from two. */
const countAggregates: readonly (readonly [string, RollupAggregate])[] = [
  ...Object.entries(counts).map(
    ([column, { build, merge }]) => [build, { states: [column], sql: merge }] as const,
  ),
  [
    'avg(duration_us)',
    { states: ['duration_sum', 'rows'], sql: '(sum(duration_sum) / sum(rows))' },
  ],
]
const sketchAggregates = [
  sketchAggregate('duration_us', 'duration_sketch'),
  sketchAggregate('upstream_us, tries > 0', 'upstream_sketch'),
  sketchAggregate('gateway_us', 'gateway_sketch'),
]

type Keys = readonly EventColumnName[]
const service: Keys = ['workspace', 'workspace_name', 'service', 'service_name']
const route: Keys = [...service, 'route', 'route_name']
const statuses: Keys = [...service, 'outcome', 'status']
const details: Keys = [...route, 'outcome', 'denied_by', 'method', 'status']
const consumer: Keys = [...service, 'consumer', 'consumer_name', 'outcome', 'status']

const minute = { seconds: 60, unitSeconds: 300, minRows: 200_000, retentionDays: 3 }
const hour = { seconds: 3_600, unitSeconds: 3_600, minRows: 50_000 }
const day = { seconds: 86_400, unitSeconds: 86_400, minRows: 50_000 }

type Level = Pick<Rollup, 'seconds' | 'unitSeconds' | 'minRows' | 'retentionDays' | 'finer'>

const ofRequests = (name: string, keys: Keys, hasSketches: boolean, level: Level): Rollup => ({
  name: `requests_${name}`,
  source: 'requests',
  keys,
  states: hasSketches ? { ...counts, ...sketches } : counts,
  aggregates: new Map(hasSketches ? [...countAggregates, ...sketchAggregates] : countAggregates),
  ...level,
})

/**
 * The rollups of every warehouse, those with fewer rows first. Latencies are grouped by place only: sketches of many small
 * groups would be larger than the rows themselves.
 */
export const builtInRollups: readonly Rollup[] = [
  ofRequests('by_route_day', route, true, { ...day, finer: 'requests_by_route_hour' }),
  ofRequests('by_status_day', details, false, { ...day, finer: 'requests_by_status_hour' }),
  ofRequests('by_consumer_day', consumer, false, day),
  ofRequests('by_route_hour', route, true, hour),
  ofRequests('by_status_hour', details, false, hour),
  ofRequests('by_service_minute', service, true, minute),
  ofRequests('by_status_minute', statuses, false, minute),
]

/** The table of a rollup. `build` distinguishes the builds of a unit. */
export function rollupTable(rollup: Rollup, source: Table): Table {
  const { name, keys, states, retentionDays } = rollup
  const typesOf = (names: readonly string[]) =>
    names.map((column) => [column, source.columns[column] as { readonly type: string }] as const)
  return {
    name,
    columns: {
      ...Object.fromEntries(typesOf(['time', ...keys])),
      build: { type: 'UInt64' },
      ...Object.fromEntries(Object.entries(states).map(([column, { type }]) => [column, { type }])),
    },
    engine: 'AggregatingMergeTree',
    partitionBy: 'toYYYYMM(time)',
    orderBy: `(${[...keys.slice(0, 3), 'time', ...keys.slice(3), 'build'].join(', ')})`,
    retentionDays: retentionDays ?? source.retentionDays,
    ...(source.isKeptByWorkspace && { isKeptByWorkspace: true }),
    // A granule is read as a whole: sketches of other services and groups of other consumers cost more than marks.
    settings: 'ttl_only_drop_parts = 1, index_granularity = 512',
    indexes: Object.fromEntries(
      Object.entries(source.indexes ?? {}).filter(([, { column }]) => keys.includes(column)),
    ),
  }
}
