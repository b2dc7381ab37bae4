import type { Completeness } from './completeness.ts'
import type { Query } from './query.ts'

/** Display format of a value. */
export type Format =
  | 'number'
  | 'percent'
  | 'milliseconds'
  | 'bytes'
  | 'per_second'
  | 'text'
  | 'time'
  | 'id'

/** A dimension, measure or segment, as visible to a principal. */
export type MemberMeta = {
  /** dataset.member */
  readonly name: string
  readonly title: string
  readonly about: string
  readonly type: 'string' | 'number' | 'time' | 'boolean'
  readonly format: Format
  /** Whether values are null for the principal and the member cannot filter, group or order. */
  readonly masked: boolean
}

/** A dataset, as visible to a principal. */
export type DatasetMeta = {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly measures: readonly MemberMeta[]
  readonly dimensions: readonly MemberMeta[]
  readonly segments: readonly MemberMeta[]
  readonly visibility: Visibility
}

/** Response of GET /api/analytics/meta. */
export type Meta = {
  /** Datasets with rows that are visible to the principal, in order of name. */
  readonly datasets: readonly DatasetMeta[]
  /** The principal's visibility of the dataset `requests`. */
  readonly visibility: Visibility
}

/** Response of POST /api/analytics/explain: the tables from which a query is answered. */
export type Explanation = {
  readonly reads: readonly {
    /** The table of the dataset, or a rollup of it. */
    readonly table: string
    /** ISO 8601; null where the range has no such end. */
    readonly from: string | null
    readonly to: string | null
    /** Units of the rollup. */
    readonly units?: number
  }[]
  /** Why other rollups are not read, one sentence each. */
  readonly reasons: readonly string[]
  readonly visibility: Visibility
}

/** The rows that a principal sees, and the reason. */
export type Visibility = {
  readonly scope: 'all' | 'some' | 'nothing'
  /** One sentence, for example "You see requests of workspace ProductX." */
  readonly statement: string
  /** One sentence per rule: which role in which workspace allows or forbids what. */
  readonly because: readonly string[]
  /** Dimensions that are masked in every row, with the reason. */
  readonly masked: readonly { readonly member: string; readonly reason: string }[]
  /** The visible rows that show their caller; absent when the dataset has no caller columns. */
  readonly callers?: CallerVisibility
  /** The configuration revision whose permissions were applied. */
  readonly revision: number
}

/** In which of the visible rows the identity columns of a dataset are shown, and why they are masked in the others. */
export type CallerVisibility = {
  readonly scope: 'all' | 'some' | 'nothing'
  /** One sentence, for example "Callers are shown in workspace ProductX; in other rows they are masked." */
  readonly statement: string
  /** One sentence per rule that masks them. */
  readonly because: readonly string[]
}

/** The statements about rows and, unless all are shown, about callers. */
export const describeVisibility = ({ statement, callers }: Visibility): string =>
  callers === undefined || callers.scope === 'all' ? statement : `${statement} ${callers.statement}`

/** Times are ISO 8601 in UTC with milliseconds and Z. A masked value is null. */
export type Cell = string | number | boolean | null | readonly string[]

/** Response of POST /api/analytics/query: Cube's /load response plus visibility. */
export type Answer = {
  /** The query with defaults and absolute dates filled in. */
  readonly query: Query
  readonly data: readonly Readonly<Record<string, Cell>>[]
  readonly annotation: {
    readonly measures: Annotations
    readonly dimensions: Annotations
    readonly timeDimensions: Annotations
  }
  readonly visibility: Visibility
  /** Remarks on this query, for example that a filter names a workspace that is not visible to the principal. */
  readonly notices: readonly string[]
  /** ISO 8601 time of the newest visible row; null when there is none. */
  readonly freshUntil: string | null
  /** Completeness when the query began; absent for datasets that gateways do not write. */
  readonly completeness?: Completeness
}

/** Member → title, type and format. */
export type Annotations = Readonly<Record<string, Pick<MemberMeta, 'title' | 'type' | 'format'>>>

/** One event of POST /api/analytics/subscribe (text/event-stream): the complete new answer to one of the queries, or an error. */
export type Push =
  | { readonly id: string; readonly answer: Answer }
  | { readonly id: string; readonly problem: { readonly code: string; readonly message: string } }
