import type { Granularity, Operator, Query } from '../schema/query.ts'
import type { Dataset, Member } from './dataset.ts'
import type { Range } from './date-range.ts'
import type { Zone } from './zone.ts'

/** One comparison, with values of the member's own type: text, numbers, or milliseconds since the epoch. */
export type Comparison = {
  readonly member: Member
  readonly operator: Operator
  readonly values: readonly (string | number)[]
  /** Whether the same words mean other values a moment later. */
  readonly moves: boolean
}

/** A filter whose words are resolved. */
export type PlanFilter =
  | Comparison
  | { readonly and: readonly PlanFilter[] }
  | { readonly or: readonly PlanFilter[] }

/** One column of the answer: a member's value, or the bucket of time that it falls into. */
export type PlanColumn = {
  readonly member: Member
  readonly granularity?: Granularity
  /** Whether the asker gets null in place of the value. */
  readonly masked?: true
}

/** A column by which the answer is ordered; `asked` unless it only settles what the question leaves open. */
export type PlanOrder = {
  readonly column: number
  readonly direction: 'asc' | 'desc'
  readonly asked: boolean
}

/** A question with its words resolved and its dates made absolute. */
export type Plan = {
  readonly dataset: Dataset
  /** The question with what was left out filled in. */
  readonly query: Query
  readonly columns: readonly PlanColumn[]
  readonly range: Range | undefined
  /** When the buckets of the range begin, unless there are too many. */
  readonly starts: readonly number[] | undefined
  readonly zone: Zone
  /** When it was asked. */
  readonly now: number
  /** Conditions on rows. */
  readonly where: readonly PlanFilter[]
  readonly segments: readonly Member[]
  /** Conditions on groups. */
  readonly having: readonly PlanFilter[]
  readonly order: readonly PlanOrder[]
  readonly limit: number
  readonly offset: number
  readonly ungrouped: boolean
  /** Whether the same words mean something else a moment later. */
  readonly moves: boolean
}

/** The comparisons in filters, without what joins them. */
export const comparisonsIn = (filters: readonly PlanFilter[]): readonly Comparison[] =>
  filters.flatMap((filter) => {
    if ('and' in filter) return comparisonsIn(filter.and)
    return 'or' in filter ? comparisonsIn(filter.or) : [filter]
  })

/** The column that cuts time into buckets, if there is one. */
export const bucketOf = (plan: Plan): (PlanColumn & { granularity: Granularity }) | undefined =>
  plan.columns.find(
    (column): column is PlanColumn & { granularity: Granularity } =>
      column.granularity !== undefined,
  )
