type Columns = Readonly<Record<string, { readonly type: string }>>

/** The columns of a table, each as a statement defines it. */
export const definitionsOf = (columns: Columns): string[] =>
  Object.entries(columns).map(([name, { type }]) => `${name} ${type}`)

/** Statements that bring a table made by an earlier version up to date. */
export const alterTable = (
  table: string,
  columns: Columns,
  retentionDays: number,
): readonly string[] => [
  ...definitionsOf(columns).map(
    (definition) => `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${definition}`,
  ),
  `ALTER TABLE ${table} MODIFY TTL toDateTime(time) + INTERVAL ${retentionDays} DAY SETTINGS materialize_ttl_after_modify = 0`,
]
