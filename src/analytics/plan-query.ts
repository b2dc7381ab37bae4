import { Problem } from '../lib/problem.ts'
import type { Query } from '../schema/query.ts'
import { bucketStarts, startOfBucket } from './buckets.ts'
import type { Dataset, Member } from './dataset.ts'
import { parseDateRange, type Range } from './date-range.ts'
import { nearestWord } from './nearest-word.ts'
import { isAboutGroups, planFilter } from './plan-filters.ts'
import { comparisonsIn, type Plan, type PlanColumn, type PlanFilter } from './plan.ts'
import { buildZone, type Zone } from './zone.ts'

/** How many rows an answer has when the question does not say. */
export const defaultLimit = 10_000

/** The question with its words found in the dataset and its dates made absolute; `now` is when it is asked. */
export function planQuery(dataset: Dataset, query: Query, now: number): Plan {
  const zone = buildZone(query.timezone)
  const find = finder(dataset)
  const columns = planColumns(query, find)
  const range = planRange(query, { zone, now })
  const planned = query.filters.map((filter) => planFilter(filter, { find, zone, now }))
  checkSize(planned)
  const { groups = [], rows = [] } = Object.groupBy(planned, (filter) =>
    isAboutGroups(filter) ? 'groups' : 'rows',
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
        .filter(({ asked }) => asked)
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
    moves: range?.moves === true || comparisonsIn(planned).some((one) => one.moves),
  }
}

const mostComparisons = 500

function checkSize(filters: readonly PlanFilter[]): void {
  const { length } = comparisonsIn(filters)
  if (length <= mostComparisons) return
  const message = `filters: at most ${mostComparisons} comparisons, and got ${length}`
  throw new Problem('query.filters', 422, message)
}

type Find = (name: string, kinds?: readonly Member['kind'][]) => Member

const finder =
  (dataset: Dataset): Find =>
  (name, kinds = ['dimension', 'measure']) => {
    const member = dataset.members.get(name)
    if (member !== undefined && kinds.includes(member.kind)) return member
    const words = [...dataset.members.values()].filter(({ kind }) => kinds.includes(kind))
    const near = nearestWord(
      name,
      words.map((word) => word.name),
    )
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    const message = `${name} is not a ${kinds.join(' or ')} of ${dataset.name}${hint}`
    throw new Problem('query.member', 422, message)
  }

function planColumns(query: Query, find: Find): readonly PlanColumn[] {
  const buckets = query.timeDimensions.flatMap(({ dimension, granularity }): PlanColumn[] => {
    const member = find(dimension, ['dimension'])
    if (member.type !== 'time')
      throw new Problem('query.time', 422, `timeDimensions: ${dimension} is not a time`)
    return granularity === undefined ? [] : [{ member, granularity }]
  })
  const named = (names: readonly string[], kind: Member['kind']): PlanColumn[] =>
    [...new Set(names)].map((name) => ({ member: find(name, [kind]) }))
  const measures = named(query.measures, 'measure')
  if (query.ungrouped && measures.length > 0)
    throw new Problem('query.ungrouped', 422, 'ungrouped: a question for rows has no measures')
  const columns = [...named(query.dimensions, 'dimension'), ...buckets, ...measures]
  if (columns.length > 0) return columns
  const message = 'expected a measure, a dimension, or a time dimension with a granularity'
  throw new Problem('query.empty', 422, message)
}

/** A range that slides begins with a whole bucket, so that the first one is not counted in part. */
function planRange(
  { timeDimensions: [time] }: Query,
  { zone, now }: { readonly zone: Zone; readonly now: number },
): Range | undefined {
  if (time?.dateRange === undefined) return undefined
  const range = parseDateRange(time.dateRange, { zone, now })
  return range.slides && time.granularity !== undefined
    ? { ...range, from: startOfBucket(zone, time.granularity, range.from) }
    : range
}

/** How many intervals are worth telling apart. */
const mostStarts = 10_000

function planStarts(
  { timeDimensions: [time] }: Query,
  range: Range | undefined,
  zone: Zone,
): readonly number[] | undefined {
  if (time?.granularity === undefined || range === undefined) return undefined
  return bucketStarts(zone, time.granularity, { ...range, limit: mostStarts })
}

const absolute = (range: Range | undefined): { dateRange?: [string, string] } =>
  range === undefined ? {} : { dateRange: [isoTime(range.from), isoTime(range.to)] }

const isoTime = (instant: number): string => new Date(instant).toISOString()

/** The order asked for; else by time, else the largest first, else by name; what it leaves open follows the columns, so that answers do not jump. */
function planOrder(query: Query, columns: readonly PlanColumn[]): Plan['order'] {
  const asked = askedOrder(query, columns)
  const rest = columns
    .map((_, column) => ({ column, direction: 'asc' as const, asked: false }))
    .filter(
      ({ column }) =>
        columns[column]?.member.kind === 'dimension' &&
        !asked.some((entry) => entry.column === column),
    )
  return [...asked, ...rest]
}

function askedOrder({ order }: Query, columns: readonly PlanColumn[]): Plan['order'] {
  if (order === undefined) return defaultOrder(columns)
  const entries = Array.isArray(order) ? order : Object.entries(order)
  return entries.map(([name, direction]) => {
    const buckets = columns.findIndex(
      ({ member, granularity }) => member.name === name && granularity !== undefined,
    )
    const column = buckets >= 0 ? buckets : columns.findIndex(({ member }) => member.name === name)
    if (column >= 0) return { column, direction, asked: true }
    const message = `order: ${name} is not among the measures and dimensions asked for`
    throw new Problem('query.order', 422, message)
  })
}

function defaultOrder(columns: readonly PlanColumn[]): Plan['order'] {
  const bucket = columns.findIndex(({ granularity }) => granularity !== undefined)
  if (bucket >= 0) return [{ column: bucket, direction: 'asc', asked: true }]
  const measure = columns.findIndex(({ member }) => member.kind === 'measure')
  return measure >= 0 ? [{ column: measure, direction: 'desc', asked: true }] : []
}
