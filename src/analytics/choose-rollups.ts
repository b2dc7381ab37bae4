import type { Rollups } from '../warehouse/open-rollups.ts'
import type { RollupUnit, Span } from '../warehouse/rollup-log.ts'
import type { Rollup } from '../warehouse/rollup.ts'
import type { Member } from './datasets/dataset.ts'
import type { GovernedPlan } from './govern-plan.ts'
import { bucketOf, comparisonsIn } from './plan.ts'
import { measureOf } from './rollup-sql.ts'
import { fixedSeconds, isFixed } from './time/buckets.ts'

/** Sources of the rows of an answer: units of rollups, and the table for the rest of the range. */
export type Source = {
  readonly rollups: readonly { readonly rollup: Rollup; readonly units: readonly RollupUnit[] }[]
  readonly rest: readonly Span[]
  /** Why rollups of the table are not used, one sentence each. */
  readonly reasons: readonly string[]
}

/**
 * A rollup answers a plan only when it holds every column that the row rule, the masks, the filters and the dimensions
 * read, every measure, and buckets that divide those of the plan. The coarsest that are built come first.
 */
export function chooseRollups(plan: GovernedPlan, rollups: Rollups): Source {
  const whole = plan.range ?? { from: 0, to: Infinity }
  const candidates: Rollup[] = []
  const reasons: string[] = []
  for (const rollup of rollups.list) {
    if (rollup.source !== plan.dataset.table.name) continue
    const reason = obstacleOf(plan, rollup)
    if (reason === undefined) candidates.push(rollup)
    else reasons.push(`${rollup.name}: ${reason}`)
  }
  const [first] = candidates
  const isMergeable = (rollup: Rollup): boolean =>
    first === undefined ||
    measuresOf(plan).every(
      (member) => measureOf(member, rollup)?.sql === measureOf(member, first)?.sql,
    )
  let rest: readonly Span[] = [whole]
  const used: Source['rollups'][number][] = []
  for (const rollup of candidates.toSorted((one, other) => other.seconds - one.seconds)) {
    if (!isMergeable(rollup)) {
      reasons.push(`${rollup.name}: it cannot be merged with ${first?.name ?? ''}`)
      continue
    }
    const units = rest.flatMap(({ from, to }) => rollups.units(rollup, from, to))
    if (units.length === 0) {
      reasons.push(`${rollup.name}: no unit in the rest of the range is built`)
      continue
    }
    used.push({ rollup, units })
    rest = rest.flatMap((span) => without(span, units))
  }
  return { rollups: used, rest, reasons }
}

/** The reason why a rollup cannot answer a plan. */
function obstacleOf(plan: GovernedPlan, rollup: Rollup): string | undefined {
  if (plan.ungrouped) return 'the query asks for single rows'
  const lacks = (columns: readonly string[]) =>
    columns.find((column) => !rollup.keys.includes(column))
  const ruled = lacks(plan.scan.ruled)
  if (ruled !== undefined) return `the row rule reads ${ruled}`
  const asked = [
    ...plan.columns
      .filter(({ member, granularity, masked }) => {
        return member.kind === 'dimension' && granularity === undefined && masked === undefined
      })
      .map(({ member }) => member),
    ...plan.segments,
    ...comparisonsIn(plan.where).map(({ member }) => member),
  ]
  for (const member of asked) {
    const column = lacks(member.columns)
    if (column !== undefined) return `${member.name} reads ${column}`
  }
  for (const member of measuresOf(plan)) {
    if (measureOf(member, rollup) === undefined) return `it does not hold ${member.name}`
    if (member.sql.includes('{seconds}') && plan.range === undefined && !bucketOf(plan))
      return `${member.name} reads the times of the rows`
  }
  return dividesBuckets(plan, rollup) ? undefined : 'its buckets are not within those of the query'
}

const measuresOf = (plan: GovernedPlan): readonly Member[] =>
  [...plan.columns, ...comparisonsIn(plan.having)]
    .map(({ member }) => member)
    .filter(({ kind }) => kind === 'measure')

function dividesBuckets(plan: GovernedPlan, { seconds }: Rollup): boolean {
  const bucket = bucketOf(plan)
  if (bucket === undefined) return true
  if (isFixed(bucket.granularity)) return fixedSeconds[bucket.granularity] % seconds === 0
  return plan.starts?.every((start) => start % (seconds * 1000) === 0) === true
}

/** The parts of a span that the units, in order, leave. */
function without(span: Span, units: readonly RollupUnit[]): readonly Span[] {
  const left: Span[] = []
  let { from } = span
  for (const unit of units) {
    if (unit.from < span.from || unit.to > span.to) continue
    if (unit.from > from) left.push({ from, to: unit.from })
    from = unit.to
  }
  if (from < span.to) left.push({ from, to: span.to })
  return left
}
