import type { Granularity, Operator, Query } from '../schema/query.ts'
import type { Dataset, Member } from './datasets/dataset.ts'
import type { Range } from './time/date-range.ts'
import type { Zone } from './time/zone.ts'

/** A condition with values of the member's type: strings, numbers, or milliseconds since the epoch. */
export type Comparison = {
  readonly member: Member
  readonly operator: Operator
  readonly values: readonly (string | number)[]
  /** Whether the values depend on the current time. */
  readonly isRelative: boolean
}

/** A filter with its members resolved. */
export type PlanFilter =
  | Comparison
  | { readonly and: readonly PlanFilter[] }
  | { readonly or: readonly PlanFilter[] }

/** A column of the answer: the value of a member, or its time bucket. */
export type PlanColumn = {
  readonly member: Member
  readonly granularity?: Granularity
  /** Whether the value is null for the principal. */
  readonly masked?: true
}

/** `isRequested` is false for columns that only make the order total. */
export type PlanOrder = {
  readonly column: number
  readonly direction: 'asc' | 'desc'
  readonly isRequested: boolean
}

/** A query with its members resolved and its dates absolute. */
export type Plan = {
  readonly dataset: Dataset
  /** The query with defaults and absolute dates filled in. */
  readonly query: Query
  readonly columns: readonly PlanColumn[]
  readonly range: Range | undefined
  /** The starts of the buckets in the range; undefined when there are too many. */
  readonly starts: readonly number[] | undefined
  readonly zone: Zone
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly where: readonly PlanFilter[]
  readonly segments: readonly Member[]
  readonly having: readonly PlanFilter[]
  readonly order: readonly PlanOrder[]
  readonly limit: number
  readonly offset: number
  readonly ungrouped: boolean
  /** Whether the plan depends on the current time. */
  readonly isRelative: boolean
}

/** All comparisons in a list of filters. */
export const comparisonsIn = (filters: readonly PlanFilter[]): readonly Comparison[] =>
  filters.flatMap((filter) => {
    if ('and' in filter) return comparisonsIn(filter.and)
    return 'or' in filter ? comparisonsIn(filter.or) : [filter]
  })

/** The column of time buckets, if there is one. */
export const bucketOf = (plan: Plan): (PlanColumn & { granularity: Granularity }) | undefined =>
  plan.columns.find(
    (column): column is PlanColumn & { granularity: Granularity } =>
      column.granularity !== undefined,
  )
