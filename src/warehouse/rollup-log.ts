import type { Table } from './tables.ts'

/** When units of rollups were built, and when their source changed. */
export const rollupLogTable: Table = {
  name: 'rollup_log',
  columns: {
    time: { type: `DateTime64(6, 'UTC') DEFAULT now64(6)` },
    event: { type: 'LowCardinality(String)' },
    /** Of a build the rollup, of a change the source. */
    name: { type: 'LowCardinality(String)' },
    begins: { type: `DateTime64(3, 'UTC')` },
    ends: { type: `DateTime64(3, 'UTC')` },
    build: { type: 'UInt64' },
    /** When the build began to read its source. */
    started: { type: `DateTime64(6, 'UTC')` },
  },
  engine: 'MergeTree',
  orderBy: 'time',
  retentionDays: 0,
}

/** Runs a SELECT without parameters. */
export type SelectRows = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>

/** Milliseconds since the epoch. */
export type Span = { readonly from: number; readonly to: number }

/** A unit of a rollup, and the id under which its rows are stored. */
export type RollupUnit = Span & { readonly build: number }

export type LoggedBuild = RollupUnit & { readonly name: string; readonly started: string }

export type RollupLog = {
  /** The builds after which their source did not change. */
  readValid(): Promise<readonly LoggedBuild[]>
  /** The time of the engine, as it is written into the log. */
  now(): Promise<string>
  addBuild(build: LoggedBuild): Promise<void>
  addChanges(source: string, spans: readonly Span[]): Promise<void>
}

export function openRollupLog(
  query: SelectRows,
  command: (sql: string) => Promise<unknown>,
  sourceOf: ReadonlyMap<string, string>,
): RollupLog {
  const columns = 'event, name, begins, ends, build, started'
  return {
    async readValid() {
      const rows = (await query(readSql)) as readonly LoggedRow[]
      return validIn(rows, sourceOf)
    },
    async now() {
      const [row] = await query('SELECT toString(now64(6)) AS now')
      return row?.['now'] as string
    },
    async addBuild({ name, from, to, build, started }) {
      await command(
        `INSERT INTO rollup_log (${columns}) SELECT 'built', '${name}', ${at(from)}, ${at(to)}, ${build}, '${started}'`,
      )
    },
    async addChanges(source, spans) {
      const rows = spans.map(
        ({ from, to }) => `SELECT 'changed', '${source}', ${at(from)}, ${at(to)}, 0, 0`,
      )
      await command(`INSERT INTO rollup_log (${columns}) ${rows.join(' UNION ALL ')}`)
    },
  }
}

const at = (milliseconds: number): string => `fromUnixTimestamp64Milli(${milliseconds}, 'UTC')`

type LoggedRow = {
  readonly event: 'built' | 'changed'
  readonly name: string
  readonly build: number
  readonly at: string
  readonly began: string
  readonly begin: number
  readonly end: number
}

const readSql = `SELECT event, name, build, toString(time) AS at, toString(started) AS began,
  toUnixTimestamp64Milli(begins) AS begin, toUnixTimestamp64Milli(ends) AS end
FROM rollup_log ORDER BY time`

/** Times are texts of one format, which sort in order of time. */
function validIn(
  rows: readonly LoggedRow[],
  sourceOf: ReadonlyMap<string, string>,
): readonly LoggedBuild[] {
  const builds = new Map<string, LoggedBuild>()
  for (const { event, name, build, began: started, begin: from, end: to } of rows) {
    if (event !== 'built') continue
    const key = `${name} ${from}`
    const known = builds.get(key)
    if (known === undefined || known.started < started)
      builds.set(key, { name, from, to, build, started })
  }
  const changes = Map.groupBy(
    rows.filter(({ event }) => event === 'changed'),
    ({ name }) => name,
  )
  return [...builds.values()].filter(
    (build) =>
      !(changes.get(sourceOf.get(build.name) ?? '') ?? []).some(
        (change) =>
          change.at >= build.started && change.begin < build.to && change.end > build.from,
      ),
  )
}
