import { Problem } from '../lib/problem.ts'
import type { Query } from '../schema/query.ts'
import type { Dataset, Member } from './datasets/dataset.ts'
import { isGroupFilter, planFilter } from './plan-filters.ts'
import { comparisonsIn, type Plan, type PlanColumn, type PlanFilter } from './plan.ts'
import { bucketStarts, startOfBucket } from './time/buckets.ts'
import { parseDateRange, type Range } from './time/date-range.ts'
import { buildZone, type Zone } from './time/zone.ts'

export const defaultLimit = 10_000

/** Resolves the members of a query in a dataset and makes its dates absolute. */
export function planQuery(dataset: Dataset, query: Query, now: number): Plan {
  const zone = buildZone(query.timezone)
  const find = finder(dataset)
  const columns = planColumns(query, find)
  const range = planRange(query, { zone, now })
  const planned = query.filters.map((filter) => planFilter(filter, { find, zone, now }))
  checkSize(planned)
  const { groups = [], rows = [] } = Object.groupBy(planned, (filter) =>
    isGroupFilter(filter) ? 'groups' : 'rows',
  )
  const order = planOrder(query, columns)
  const limit = query.limit ?? defaultLimit
  const offset = query.offset ?? 0
  return {
    dataset,
    query: {
      ...query,
      timeDimensions: query.timeDimensions.map((one) => ({ ...one, ...absolute(range) })),
      order: order
        .filter(({ isRequested }) => isRequested)
        .map(({ column, direction }) => [columns[column]?.member.name ?? '', direction]),
      limit,
      offset,
    },
    columns,
    range,
    starts: planStarts(query, range, zone),
    zone,
    now,
    where: rows,
    having: groups,
    segments: query.segments.map((name) => find(name, ['segment'])),
    order,
    limit,
    offset,
    ungrouped: query.ungrouped,
    isRelative: range?.isRelative === true || comparisonsIn(planned).some((one) => one.isRelative),
  }
}

const maxComparisons = 500

function checkSize(filters: readonly PlanFilter[]): void {
  const { length } = comparisonsIn(filters)
  if (length <= maxComparisons) return
  const message = `filters: at most ${maxComparisons} conditions are allowed, got ${length}`
  throw new Problem('query.filters', 422, message)
}

type Find = (name: string, kinds?: readonly Member['kind'][]) => Member

const finder =
  (dataset: Dataset): Find =>
  (name, kinds = ['dimension', 'measure']) => {
    const member = dataset.members.get(name)
    if (member !== undefined && kinds.includes(member.kind)) return member
    const candidates = [...dataset.members.values()].filter(({ kind }) => kinds.includes(kind))
    const near = nearestName(
      name,
      candidates.map((one) => one.name),
    )
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    const message = `${name} is not a ${kinds.join(' or ')} of ${dataset.name}${hint}`
    throw new Problem('query.member', 422, message)
  }

export const emptyQuery = (): Problem =>
  new Problem(
    'query.empty',
    422,
    'expected a measure, a dimension, or a time dimension with a granularity',
  )

function planColumns(query: Query, find: Find): readonly PlanColumn[] {
  const buckets = query.timeDimensions.flatMap(({ dimension, granularity }): PlanColumn[] => {
    const member = find(dimension, ['dimension'])
    if (member.type !== 'time')
      throw new Problem('query.time', 422, `timeDimensions: ${dimension} is not a time dimension`)
    return granularity === undefined ? [] : [{ member, granularity }]
  })
  const named = (names: readonly string[], kind: Member['kind']): PlanColumn[] =>
    [...new Set(names)].map((name) => ({ member: find(name, [kind]) }))
  const measures = named(query.measures, 'measure')
  if (query.ungrouped && measures.length > 0)
    throw new Problem(
      'query.ungrouped',
      422,
      'ungrouped: measures are not allowed in ungrouped queries',
    )
  const columns = [...named(query.dimensions, 'dimension'), ...buckets, ...measures]
  if (columns.length === 0) throw emptyQuery()
  return columns
}

/** A sliding range starts with a whole bucket, so that the first bucket is complete. */
function planRange(
  { timeDimensions: [time] }: Query,
  { zone, now }: { readonly zone: Zone; readonly now: number },
): Range | undefined {
  if (time?.dateRange === undefined) return undefined
  const range = parseDateRange(time.dateRange, { zone, now })
  return range.isSliding && time.granularity !== undefined
    ? { ...range, from: startOfBucket(zone, time.granularity, range.from) }
    : range
}

const maxBuckets = 10_000

function planStarts(
  { timeDimensions: [time] }: Query,
  range: Range | undefined,
  zone: Zone,
): readonly number[] | undefined {
  if (time?.granularity === undefined || range === undefined) return undefined
  return bucketStarts(zone, time.granularity, range.from, range.to, maxBuckets)
}

const absolute = (range: Range | undefined): { dateRange?: [string, string] } =>
  range === undefined ? {} : { dateRange: [isoTime(range.from), isoTime(range.to)] }

const isoTime = (instant: number): string => new Date(instant).toISOString()

/** The requested order; by default by time, else by the first measure descending. Dimensions break ties, so that the order is stable. */
function planOrder(query: Query, columns: readonly PlanColumn[]): Plan['order'] {
  const requested = requestedOrder(query, columns)
  const rest = columns
    .map((_, column) => ({ column, direction: 'asc' as const, isRequested: false }))
    .filter(
      ({ column }) =>
        columns[column]?.member.kind === 'dimension' &&
        !requested.some((entry) => entry.column === column),
    )
  return [...requested, ...rest]
}

function requestedOrder({ order }: Query, columns: readonly PlanColumn[]): Plan['order'] {
  if (order === undefined) return defaultOrder(columns)
  const entries = Array.isArray(order) ? order : Object.entries(order)
  return entries.map(([name, direction]) => {
    const buckets = columns.findIndex(
      ({ member, granularity }) => member.name === name && granularity !== undefined,
    )
    const column = buckets >= 0 ? buckets : columns.findIndex(({ member }) => member.name === name)
    if (column >= 0) return { column, direction, isRequested: true }
    const message = `order: ${name} is not among the measures and dimensions of the query`
    throw new Problem('query.order', 422, message)
  })
}

function defaultOrder(columns: readonly PlanColumn[]): Plan['order'] {
  const bucket = columns.findIndex(({ granularity }) => granularity !== undefined)
  if (bucket >= 0) return [{ column: bucket, direction: 'asc', isRequested: true }]
  const measure = columns.findIndex(({ member }) => member.kind === 'measure')
  return measure >= 0 ? [{ column: measure, direction: 'desc', isRequested: true }] : []
}

/** The name with the smallest edit distance, if it is close enough to suggest. */
function nearestName(wrong: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: distance(wrong, name) }))
    .toSorted((one, other) => one.distance - other.distance)
  const [best] = ranked
  return best !== undefined && best.distance <= wrong.length / 2 ? best.name : undefined
}

/** Levenshtein distance. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
