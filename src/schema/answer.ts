import type { Query } from './query.ts'

/** The units in which a member is measured. */
export type Format =
  | 'number'
  | 'percent'
  | 'milliseconds'
  | 'bytes'
  | 'per_second'
  | 'text'
  | 'time'
  | 'id'

/** A dimension or measure as the asker may know it. */
export type MemberMeta = {
  /** dataset.member */
  readonly name: string
  readonly title: string
  readonly about: string
  readonly type: 'string' | 'number' | 'time' | 'boolean'
  readonly format: Format
  /** True when values come masked and the member cannot filter, group or order. */
  readonly masked: boolean
}

/** A dataset as the asker may know it: only what they may use. */
export type DatasetMeta = {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly measures: readonly MemberMeta[]
  readonly dimensions: readonly MemberMeta[]
  readonly segments: readonly MemberMeta[]
}

/** Answer of GET /api/analytics/meta. */
export type Meta = { readonly datasets: readonly DatasetMeta[]; readonly visibility: Visibility }

/** What the asker may see, and why. Shown as a chip on every page. */
export type Visibility = {
  /** `all`, `some` or `nothing` of the rows. */
  readonly scope: 'all' | 'some' | 'nothing'
  /** One sentence in plain words, for example "You see requests of workspace ProductX." */
  readonly statement: string
  /** One sentence for each rule: which role in which workspace gave or took what. */
  readonly because: readonly string[]
  /** Dimensions that are masked for the asker, with one sentence that says why. */
  readonly masked: readonly { readonly member: string; readonly reason: string }[]
  /** Revision of the configuration whose permissions were applied. */
  readonly revision: number
}

/** One value in an answer. Times are ISO 8601 in UTC with milliseconds and Z; a masked value is null. */
export type Cell = string | number | boolean | null | readonly string[]

/** Answer of POST /api/analytics/query, Cube's /load form plus visibility. */
export type Answer = {
  /** The question with defaults and absolute dates filled in. */
  readonly query: Query
  readonly data: readonly Readonly<Record<string, Cell>>[]
  readonly annotation: {
    readonly measures: Annotations
    readonly dimensions: Annotations
    readonly timeDimensions: Annotations
  }
  readonly visibility: Visibility
  /** Sentences about this question, for example that a filter asked for rows outside of what the asker may see. */
  readonly notices: readonly string[]
  /** When the newest row known to the warehouse began, ISO 8601, or null when there is none for the asker. */
  readonly freshUntil: string | null
}

/** Member → how to show it. */
export type Annotations = Readonly<Record<string, Pick<MemberMeta, 'title' | 'type' | 'format'>>>

/** One message of POST /api/analytics/subscribe (text/event-stream): a whole new answer to one of the asked questions, or why there is none. */
export type Push =
  | { readonly id: string; readonly answer: Answer }
  | { readonly id: string; readonly problem: { readonly code: string; readonly message: string } }
