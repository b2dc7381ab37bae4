import { Problem } from '../lib/problem.ts'
import type { Answer, Explanation } from '../schema/answer.ts'
import type { Completeness } from '../schema/completeness.ts'
import { query as querySchema, type Filter, type Query, type QueryInput } from '../schema/query.ts'
import { violationMessage, violationsOf } from '../entities/violations.ts'
import type { Row, Statement } from '../warehouse/open-warehouse.ts'
import type { Rollups } from '../warehouse/open-rollups.ts'
import type { Span } from '../warehouse/rollup-log.ts'
import type { Retention } from '../warehouse/retention.ts'
import { buildAnswer } from './build-answer.ts'
import { chooseRollups } from './choose-rollups.ts'
import { compilePlan } from './compile-plan.ts'
import type { Dataset, Datasets } from './datasets/dataset.ts'
import { visibleDatasets } from './datasets/describe-datasets.ts'
import type { Scope } from './datasets/scope.ts'
import { governPlan, type GovernedPlan } from './govern-plan.ts'
import { hideExpired } from './hide-expired.ts'
import { emptyQuery, planQuery } from './plan-query.ts'

export type QueryContext = {
  readonly datasets: Datasets
  readonly scopeOf: (dataset: Dataset) => Scope
  /** Without them, only the tables themselves are read. */
  readonly rollups?: Rollups | undefined
  /** Retention of a table; undefined if all rows are shown. */
  readonly retention?: ((table: string) => Retention | undefined) | undefined
  readonly select: (statement: Statement) => Promise<readonly Row[]>
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Completeness of the rows that gateways write. */
  readonly completeness?: () => Completeness
}

/** An answer, and whether the query depends on the current time. */
export type Answered = { readonly answer: Answer; readonly isRelative: boolean }

/** Answers a query: plan, govern by the rights of the principal, compile to SQL, select, build the answer. */
export async function answerQuery(context: QueryContext, input: unknown): Promise<Answered> {
  const { dataset, scope, plan, governed } = prepare(context, input)
  // Before the rows are selected: rows that arrive meanwhile may be among them.
  const completeness = dataset.table.name === 'requests' ? context.completeness?.() : undefined
  const [rows, freshUntil] = await Promise.all([
    selectRows(context, governed),
    newestRow(context, dataset, scope),
  ])
  return {
    answer: {
      ...buildAnswer(governed, scope, rows),
      freshUntil,
      ...(completeness && { completeness }),
    },
    isRelative: plan.isRelative,
  }
}

/** The tables from which a query would be answered. */
export function explainQuery(context: QueryContext, input: unknown): Explanation {
  const { scope, governed } = prepare(context, input)
  const { range, dataset } = governed
  const { rollups, rest, reasons } = sourceOf(governed, context) ?? {
    rollups: [],
    rest: [range ?? { from: -Infinity, to: Infinity }],
    reasons: [],
  }
  return {
    reads: [
      ...rollups.map(({ rollup, units }) => ({
        table: rollup.name,
        ...timesOf({ from: units[0]?.from ?? 0, to: units.at(-1)?.to ?? 0 }),
        units: units.length,
      })),
      ...rest.map((span) => ({ table: dataset.table.name, ...timesOf(span) })),
    ],
    reasons,
    visibility: scope.visibility,
  }
}

const timesOf = ({ from, to }: Span) => ({ from: timeOf(from), to: timeOf(to) })

const timeOf = (time: number): string | null =>
  time > 0 && time < Infinity ? new Date(time).toISOString() : null

function prepare(context: QueryContext, input: unknown) {
  const query = parseQuery(input)
  const dataset = findDataset(context, query)
  const scope = context.scopeOf(dataset)
  const plan = planQuery(dataset, query, context.now)
  const kept = context.retention?.(dataset.table.name)
  return { dataset, scope, plan, governed: hideExpired(governPlan(plan, scope), kept, context.now) }
}

/** Milliseconds before the end of a range in which its newest rows are searched first. */
const newestWindows = [5 * 60_000, 3 * 3_600_000, 3 * 86_400_000]

/** A page of the newest rows is most often in the last part of the range, and then the rest need not be sorted. */
async function selectRows(context: QueryContext, plan: GovernedPlan): Promise<readonly Row[]> {
  const { range } = plan
  if (range !== undefined && isNewestFirst(plan)) {
    const end = Math.min(range.to, context.now)
    for (const window of newestWindows) {
      if (end - window <= range.from) break
      const rows = await context.select(
        compilePlan({ ...plan, range: { ...range, from: end - window } }),
      )
      // More than a page: all older rows come after it.
      if (rows.length > plan.limit) return rows
    }
  }
  return await context.select(compilePlan(plan, sourceOf(plan, context)))
}

function isNewestFirst({ ungrouped, order: [first], columns, dataset }: GovernedPlan): boolean {
  const { member, granularity } = columns[first?.column ?? -1] ?? {}
  return (
    ungrouped &&
    first?.direction === 'desc' &&
    member?.name === dataset.time.name &&
    granularity === undefined
  )
}

const sourceOf = (plan: GovernedPlan, { rollups }: Pick<QueryContext, 'rollups'>) =>
  rollups === undefined ? undefined : chooseRollups(plan, rollups)

/** The parsers, ours and the engine's, are recursive. */
const maxDepth = 24

function parseQuery(input: unknown): Query {
  if (isDeeperThan(maxDepth, input))
    throw new Problem('query.depth', 400, `The query is nested more than ${maxDepth} levels deep.`)
  const parsed = querySchema.safeParse(input)
  if (parsed.success) return parsed.data
  const fields = violationsOf(parsed.error)
  throw new Problem('query.invalid', 400, violationMessage(fields), { detail: { fields } })
}

const isDeeperThan = (levels: number, value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)))

/** The dataset of the first member. An unknown dataset is an error that names only datasets visible to the principal. */
function findDataset({ datasets, scopeOf }: QueryContext, query: Query): Dataset {
  const [first] = membersIn(query)
  if (first === undefined) throw emptyQuery()
  const name = first.slice(0, first.indexOf('.'))
  const dataset = datasets.get(name)
  if (dataset !== undefined) return dataset
  const visible = visibleDatasets(datasets, scopeOf).map((one) => one.name)
  const expected =
    visible.length === 0
      ? 'you have access to no dataset'
      : `expected one of: ${visible.join(', ')}`
  throw new Problem('query.dataset', 400, `unknown dataset '${name}', ${expected}`, {
    detail: { datasets: visible },
  })
}

function membersIn({ measures, dimensions, timeDimensions, segments, filters }: Query) {
  const ofFilter = (filter: Filter): readonly string[] => {
    if ('and' in filter) return filter.and.flatMap(ofFilter)
    return 'or' in filter ? filter.or.flatMap(ofFilter) : [filter.member]
  }
  return [
    ...measures,
    ...dimensions,
    ...timeDimensions.map(({ dimension }) => dimension),
    ...segments,
    ...filters.flatMap(ofFilter),
  ]
}

/** The time of the newest visible row. Most often it is in the last hour, which is quick to search. */
async function newestRow(
  context: QueryContext,
  dataset: Dataset,
  scope: Scope,
): Promise<string | null> {
  const hourAgo = new Date(Math.floor(context.now / 3_600_000 - 1) * 3_600_000).toISOString()
  return (
    (await newestRowSince(context, dataset, scope, hourAgo)) ??
    (await newestRowSince(context, dataset, scope))
  )
}

async function newestRowSince(
  { select, now, rollups, retention }: QueryContext,
  dataset: Dataset,
  scope: Scope,
  since?: string,
): Promise<string | null> {
  const { newest, time } = dataset
  const members = new Map([newest, time].map((member) => [member.name, member]))
  const query: QueryInput = {
    measures: [newest.name],
    filters:
      since === undefined
        ? []
        : [{ member: time.name, operator: 'afterOrOnDate', values: [since] }],
  }
  const asked = governPlan(planQuery({ ...dataset, members }, parseQuery(query), now), scope)
  const plan = hideExpired(asked, retention?.(dataset.table.name), now)
  const { data } = buildAnswer(
    plan,
    scope,
    await select(compilePlan(plan, sourceOf(plan, { rollups }))),
  )
  return (data[0]?.[newest.name] ?? null) as string | null
}
