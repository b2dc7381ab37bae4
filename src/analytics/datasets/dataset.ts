import type { RowPolicy } from '../../access/row-rules.ts'
import type { ColumnNames } from '../../access/to-predicate.ts'
import type { RowNoun } from '../../access/explain-visibility.ts'
import type { Format } from '../../schema/answer.ts'
import type { Table } from '../../warehouse/tables.ts'

/** A dimension, measure or segment. Its SQL comes from the declaration, never from a caller. */
export type Member = {
  /** dataset.member */
  readonly name: string
  readonly kind: 'dimension' | 'measure' | 'segment'
  readonly title: string
  readonly about: string
  readonly type: 'string' | 'number' | 'time' | 'boolean'
  readonly format: Format
  /** Whether values are lists of strings. */
  readonly list: boolean
  /** The value of a measure where there are no rows. */
  readonly empty: number | null
  readonly sql: string
  /** The columns that its SQL reads. */
  readonly columns: readonly string[]
  /** Whether it reads an identity column. */
  readonly identity: boolean
}

/** Access rules for the rows and columns of a dataset. */
export type Policy = {
  readonly rows: RowPolicy
  /** The columns that the row rule reads. */
  readonly columns: ColumnNames
  /** Columns that identify the caller, masked unless the principal may read that consumer, or `collection` where there is none; undefined when there are none. */
  readonly identity:
    | {
        readonly collection: string
        /** Noun for the columns in sentences. */
        readonly noun: string
        readonly columns: ReadonlySet<string>
      }
    | undefined
}

/** A table of the warehouse, its members, and its access rules. */
export type Dataset = {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly noun: RowNoun
  readonly table: Table
  readonly policy: Policy
  readonly time: Member
  /** A measure: the time of the newest row. */
  readonly newest: Member
  /** By full name, in the order of the declaration. */
  readonly members: ReadonlyMap<string, Member>
}

/** By name, in alphabetical order. */
export type Datasets = ReadonlyMap<string, Dataset>
