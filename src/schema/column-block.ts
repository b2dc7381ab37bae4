/** One entry of `texts` per row. */
export type TextColumn = { readonly kind: 'text'; readonly indexes: Uint32Array }

/** Lists of text: the entries of row n end at `ends[n]` of `indexes`. */
export type TextListColumn = {
  readonly kind: 'texts'
  readonly indexes: Uint32Array
  readonly ends: Uint32Array
}

/** Integers; times are in the unit of their column. */
export type NumberColumn = { readonly kind: 'number'; readonly values: Float64Array }

/** 16 bytes per row. */
export type UuidColumn = { readonly kind: 'uuid'; readonly bytes: Buffer }

export type ColumnData = TextColumn | TextListColumn | NumberColumn | UuidColumn

/** Rows of a table, column by column. Columns of the table that are absent get their defaults. */
export type ColumnBlock = {
  readonly rows: number
  /** Every text of the block once; the first is ''. */
  readonly texts: readonly string[]
  readonly columns: ReadonlyMap<string, ColumnData>
}
