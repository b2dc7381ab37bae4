import {
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client'
import { Session } from 'chdb'
import { createChdbConnection, type ChdbConnection } from 'chdb/connection'
import { systemClock, type Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import { openBackups, type Backups } from './back-up.ts'
import { openErasures, type Erasures } from './open-erasures.ts'
import { insertBatch } from './insert-batch.ts'
import { insertIntoEmbedded, insertIntoServer, type InsertNative } from './insert-block.ts'
import {
  openRollups,
  defaultRollupTiming,
  type RollupKeeper,
  type Rollups,
  type RollupTiming,
} from './open-rollups.ts'
import { readState, type WarehouseState } from './read-state.ts'
import { renderNative } from './render-native.ts'
import { prepareTables, rollupsOf, withRollups } from './prepare-tables.ts'
import { fewerDays, longestOf, type Retention, type WorkspaceDays } from './retention.ts'
import type { Rollup } from './rollup.ts'
import { timesOfBlock, timesOfLines } from './times-of-rows.ts'
import { builtInTables, type Table } from './tables.ts'

/** SQL, the values of its `{name:Type}` parameters, and engine settings such as limits. */
export type Statement = {
  readonly sql: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly settings?: Readonly<Record<string, number>>
}

export type Row = Readonly<Record<string, unknown>>

/** ClickHouse, embedded or as a server. */
export type Warehouse = {
  readonly tables: readonly Table[]
  /** Stores a batch of rows, one JSON object per line; resolves once they are durable. Repeating a batch id changes nothing. */
  insertBatch(table: string, batchId: string, ndjson: Buffer): Promise<void>
  /** Stores a block of rows; resolves once it is durable. Repeating an id changes nothing. */
  insertBlock(table: string, id: string, block: ColumnBlock): Promise<void>
  /** Calls the listener after every batch that this process stores; returns the function that unsubscribes it. */
  onInsert(listener: () => void): () => void
  /** Queries that run at the same time; more wait for each other. */
  readonly parallelQueries: number
  /** Pre-aggregated rows that queries read where possible, and the job that builds them. */
  readonly rollups: Rollups & Pick<RollupKeeper, 'refresh'>
  /** Runs a SELECT. 64-bit integers arrive as numbers, NaN as null. A server stops it when the signal is aborted; the embedded engine cannot. */
  query(statement: Statement, signal?: AbortSignal): Promise<readonly Row[]>
  /** Tables on disk, and parts that cannot be read. */
  state(): Promise<WarehouseState>
  /** Whole days, in UTC, for which the rows of a table are shown; undefined where all rows are. */
  retention(table: string): Retention | undefined
  /** Gives workspaces a retention of their own, and all others that of the table. */
  keepWorkspaces(days: WorkspaceDays): Promise<void>
  readonly backups: Backups
  readonly erasures: Pick<Erasures, 'erase' | 'list' | 'resume' | 'withoutErased'>
  /** Waits for running statements, then closes the connections. */
  close(): Promise<void>
}

export type WarehouseOptions = {
  /** A ClickHouse server: http(s)://user:password@host:port/database */
  readonly url?: string
  /** The directory of the embedded engine, used when there is no `url`. */
  readonly path?: string
  /** Table → days until its rows expire. */
  readonly retentionDays?: Readonly<Record<string, number>>
  /** Id of a workspace → days until its rows expire, in tables that are kept by workspace. */
  readonly workspaceDays?: WorkspaceDays
  readonly tables?: readonly Table[]
  /** Rollups of these tables. */
  readonly rollups?: readonly Rollup[]
  /** Directory for backups; of a server on its machine, as its setting `backups.allowed_path`. */
  readonly backups?: string
  readonly rollupTiming?: RollupTiming
  readonly clock?: Clock
  /** Whether rows of the embedded engine survive a loss of power once they are stored. */
  readonly isSynced?: boolean
  readonly log?: Log
}

/** An embedded connection runs one statement at a time, so this is how many queries run in parallel. */
const embeddedReaders = 3

/** A server runs each query on several threads. */
const serverQueries = 8

/** Opens the warehouse and brings its tables up to date. */
export async function openWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const { tables = builtInTables, log } = options
  const clock = options.clock ?? systemClock
  const began = performance.now()
  const { writer, builder, readers, insertNative, session } = connect(options)
  const pool = openPool(readers)
  const isShared = options.url !== undefined
  const isSynced = options.url === undefined ? options.isSynced === true : undefined
  const findTable = (name: string): Table => {
    const table = tables.find((one) => one.name === name)
    if (table === undefined)
      throw new Problem('warehouse.table', 400, `The warehouse has no table '${name}'.`)
    return table
  }
  const rollupList = options.rollups ?? rollupsOf(tables)
  const selectRows = (sql: string) => select(builder, { sql }, undefined)
  let workspaceDays: WorkspaceDays = options.workspaceDays ?? new Map()
  let shownDays = workspaceDays
  const retentionOf = (table: Table, own = shownDays): Retention => ({
    days: options.retentionDays?.[table.name] ?? table.retentionDays,
    workspaces: table.isKeptByWorkspace === true ? own : new Map<string, number>(),
  })
  const prepare = () =>
    prepareTables({
      command: (query) => writer.command({ query }),
      query: selectRows,
      tables: withRollups(tables, rollupList, (table) => retentionOf(table, workspaceDays)),
      isSynced,
    })
  const lengthened = await prepare()
  let isRecentlyErased = (): boolean => false
  const rollups = await openRollups({
    list: rollupList,
    query: (sql) => select(builder, { sql }, undefined),
    command: (query) => builder.command({ query }),
    daysOf: (source) => longestOf(retentionOf(findTable(source))),
    isShared,
    hasErasures: () => isRecentlyErased(),
    clock,
    timing: options.rollupTiming ?? defaultRollupTiming,
  })
  // The engine may have removed any expired rows already.
  const forgetExpired = async (tablesAndDays: ReadonlyMap<string, number>): Promise<void> => {
    for (const [table, days] of tablesAndDays)
      await rollups.forget({ source: table, to: clock.now() - (days - 1) * 86_400_000 })
  }
  await forgetExpired(lengthened)
  const runBuilder = (query: string): Promise<unknown> => builder.command({ query })
  const inserting = new Set<Promise<unknown>>()
  const erasures = await openErasures({
    query: selectRows,
    command: runBuilder,
    rollups,
    table: tables.find(({ name }) => name === erasableTable),
    untilInserted: () => Promise.all(inserting),
    isShared,
    clock,
  })
  isRecentlyErased = erasures.isRecent
  const backups = openBackups({
    directory: options.backups,
    tables: tables.filter(({ isCopy }) => isCopy !== true),
    query: selectRows,
    command: runBuilder,
    now: () => clock.now(),
  })
  const openedIn = Math.round(performance.now() - began)
  const { detached } = options.url === undefined ? await readState(selectRows) : { detached: [] }
  if (detached.length > 0)
    log?.error('warehouse: unreadable parts detached, their rows are missing', {
      parts: detached,
    })
  const listeners = new Set<() => void>()
  const preparing = openSerialQueue()
  const running = new Set<Promise<unknown>>()
  let isClosed = false

  const run = <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) throw new Problem('warehouse.closed', 503, 'The warehouse is closed.')
    return track(running, work())
  }
  /** Stores rows, of which those of erased subjects are left out when `store` begins. */
  const insert = async (
    table: string,
    times: Iterable<number>,
    store: () => Promise<void>,
  ): Promise<void> => {
    if (isShared && table === erasableTable) await run(erasures.refresh)
    await run(() => rollups.change(table, times, () => track(inserting, store())))
    listeners.forEach(notify)
  }
  // The batch is stored: an error of a listener must not make its sender repeat it.
  const notify = (listener: () => void): void => {
    try {
      listener()
    } catch (error) {
      log?.error('warehouse: insert listener failed', { error })
    }
  }

  return {
    tables,
    async insertBatch(table, batchId, ndjson) {
      const { name } = findTable(table)
      await insert(name, timesOfLines(ndjson), () => {
        const kept = name === erasableTable ? erasures.withoutErasedLines(ndjson) : ndjson
        return insertBatch(writer, name, batchId, kept)
      })
    },
    async insertBlock(name, id, block) {
      const table = findTable(name)
      await insert(name, timesOfBlock(block), async () => {
        const kept = name === erasableTable ? erasures.withoutErased(block) : block
        if (kept.rows > 0) await insertNative(name, id, renderNative(kept, table))
      })
    },
    onInsert(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    rollups: { ...rollups, refresh: (signal) => run(() => rollups.refresh(signal)) },
    state: () => run(async () => ({ opened_in: openedIn, ...(await readState(selectRows)) })),
    backups: {
      create: (name) => run(() => backups.create(name)),
      restore: (name) =>
        run(async () => {
          const backup = await backups.restore(name)
          await rollups.forget({ to: clock.now() + 86_400_000 })
          await erasures.repeat(backup.time)
          listeners.forEach(notify)
          return backup
        }),
    },
    erasures: {
      erase: (request) => run(() => erasures.erase(request)),
      resume: () => run(erasures.resume),
      list: () => run(erasures.list),
      withoutErased: erasures.withoutErased,
    },
    retention(name) {
      const table = findTable(name)
      return table.isKeptByWorkspace === true ? retentionOf(table) : undefined
    },
    keepWorkspaces: (days) =>
      run(async () => {
        await preparing.run(async () => {
          // Hidden rows are shown again once rollups no longer contain them.
          shownDays = fewerDays(shownDays, days)
          workspaceDays = days
          await forgetExpired(await prepare())
          shownDays = days
        })
      }),
    parallelQueries: options.url === undefined ? embeddedReaders : serverQueries,
    async query(statement, signal) {
      const stop = options.url === undefined ? undefined : signal
      return await run(() => pool.use((reader) => select(reader, statement, stop)))
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.all(running)
      await Promise.all([...new Set([writer, builder, ...readers])].map((client) => client.close()))
      session?.close()
    },
  }
}

/** The table with the events of requests. */
const erasableTable = 'requests'

/** Keeps a promise in a set until it is settled. */
function track<T>(pending: Set<Promise<unknown>>, promise: Promise<T>): Promise<T> {
  const settled = promise.then(noop, noop).finally(() => pending.delete(settled))
  pending.add(settled)
  return promise
}

const noop = (): void => undefined

/** Gives each task to the member with the fewest running tasks. */
export function openPool<T>(members: readonly T[]) {
  const loads = members.map((member) => ({ member, running: 0 }))
  return {
    async use<R>(work: (member: T) => Promise<R>): Promise<R> {
      const load = loads.reduce((least, one) => (one.running < least.running ? one : least))
      load.running++
      try {
        return await work(load.member)
      } finally {
        load.running--
      }
    },
  }
}

// chdb is typed against an earlier package of the client; the types differ only in a private field.
type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>

function connect({ url, path, backups }: WarehouseOptions): {
  readonly writer: ClickHouseClient
  /** Builds rollups beside inserts and queries. */
  readonly builder: ClickHouseClient
  readonly readers: readonly ClickHouseClient[]
  readonly insertNative: InsertNative
  /** The first connection of the embedded engine, which configures it. */
  readonly session?: Session
} {
  if (url !== undefined) {
    const client = createClient({ url, request_timeout: 60_000 })
    return {
      writer: client,
      builder: createClient({
        url,
        request_timeout: longest,
        // Headers keep the connection from being idle.
        clickhouse_settings: {
          send_progress_in_http_headers: 1,
          http_headers_progress_interval_ms: '50000',
        },
      }),
      readers: [client],
      insertNative: insertIntoServer(client),
    }
  }
  if (path === undefined)
    throw new Problem('warehouse.nowhere', 500, 'The warehouse needs a URL or a path.')
  const session = openEngine(path, backups)
  const open = (): ClickHouseClient =>
    createClient({ connection: connectEmbedded(path) as unknown as Connection })
  const writer = open()
  return {
    writer,
    builder: open(),
    readers: Array.from({ length: embeddedReaders }, open),
    insertNative: insertIntoEmbedded(writer, path),
    session,
  }
}

/** Milliseconds for building a rollup or a backup. */
const longest = 6 * 3_600_000

const connectEmbedded = (path: string): ChdbConnection => createChdbConnection({ path })

function openEngine(path: string, backups: string | undefined): Session {
  try {
    const connectionArgs = backups === undefined ? [] : [`--backups.allowed_path=${backups}`]
    return new Session(path, { connectionArgs })
  } catch (cause) {
    const message = `The warehouse at ${path} cannot be opened; only one process at a time can have it open.`
    throw new Problem('warehouse.open', 500, message, { cause })
  }
}

async function select(
  client: ClickHouseClient,
  { sql, params, settings }: Statement,
  signal: AbortSignal | undefined,
): Promise<readonly Row[]> {
  // Settings sent beside the statement would persist on an embedded connection.
  const clause = Object.entries({ ...outputSettings, ...settings })
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ')
  const result = await client.query({
    query: `${sql}\nSETTINGS ${clause}`,
    format: 'JSONEachRow',
    query_params: { ...params },
    ...(signal === undefined
      ? {}
      : {
          abort_signal: signal,
          clickhouse_settings: { cancel_http_readonly_queries_on_client_close: 1 },
        }),
  })
  return await result.json<Row>()
}

const outputSettings = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
} as const
