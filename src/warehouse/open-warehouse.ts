import { mkdir } from 'node:fs/promises'
import {
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client'
import { createChdbConnection, type ChdbConnection } from 'chdb/connection'
import { Problem } from '../lib/problem.ts'
import { alterAudit, createAudit } from './audit-table.ts'
import { insertBatch, type Table } from './insert-batch.ts'
import { alterRequests, createRequests } from './requests-table.ts'

/** SQL with the values of its `{name:Type}` parameters, and limits for the engine. */
export type Statement = {
  readonly sql: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly settings?: Readonly<Record<string, number>>
}

/** One row of an answer. */
export type Row = Readonly<Record<string, unknown>>

/** Where events are kept and asked about. */
export type Warehouse = {
  /** Stores a batch of events, one JSON object a line; resolves once they are stored. The same id again changes nothing. */
  insertBatch(batchId: string, ndjson: Buffer, table?: Table): Promise<void>
  /** Calls the listener after every batch that this process stored; gives the function that stops it. */
  onInsert(listener: () => void): () => void
  /** The rows that a statement gives. 64-bit integers come as numbers, NaN as null. */
  ask(statement: Statement): Promise<readonly Row[]>
  /** Waits for what runs, then lets go of the engine. */
  close(): Promise<void>
}

/** Where the warehouse is: a ClickHouse server, or a directory for the embedded engine. */
export type WarehouseOptions = {
  /** http(s)://user:password@host:port/database */
  readonly url?: string
  readonly path?: string
  /** Days after which events are dropped. */
  readonly retentionDays?: number
  /** Days after which rows of the audit log are dropped. */
  readonly auditDays?: number
}

/** How many questions the embedded engine answers side by side; each takes a connection, which answers one at a time. */
const sideBySide = 3

/** Opens the warehouse and brings its tables up to date. */
export async function openWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const { writer, askers } = await connect(options)
  const readers = openPool(askers)
  await prepareTables(writer, options.retentionDays ?? 90, options.auditDays ?? 400)
  const listeners = new Set<() => void>()
  const running = new Set<Promise<unknown>>()
  let isClosed = false

  const run = <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) throw new Problem('warehouse.closed', 503, 'The warehouse is closed.')
    const promise = work()
    const settled = promise.then(noop, noop).finally(() => running.delete(settled))
    running.add(settled)
    return promise
  }

  return {
    async insertBatch(batchId, ndjson, table) {
      await run(() => insertBatch(writer, batchId, ndjson, table))
      for (const listener of listeners) listener()
    },
    onInsert(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async ask(statement) {
      return await run(() => readers.use((reader) => askFor(reader, statement)))
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.all(running)
      await Promise.all([writer, ...askers].map((client) => client.close()))
    },
  }
}

const noop = (): void => undefined

/** Gives work to whichever has the least of it. */
function openPool<T>(members: readonly T[]) {
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

// chdb names the types of the client's former common package, which differ from today's by a private field only.
type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>

async function connect({ url, path }: WarehouseOptions): Promise<{
  readonly writer: ClickHouseClient
  readonly askers: readonly ClickHouseClient[]
}> {
  if (url !== undefined) {
    const client = createClient({ url, request_timeout: 60_000 })
    return { writer: client, askers: [client] }
  }
  if (path === undefined)
    throw new Problem('warehouse.nowhere', 500, 'The warehouse needs a url or a path.')
  await mkdir(path, { recursive: true })
  const open = (): ClickHouseClient =>
    createClient({ connection: connectEmbedded(path) as unknown as Connection })
  return { writer: open(), askers: Array.from({ length: sideBySide }, open) }
}

function connectEmbedded(path: string): ChdbConnection {
  try {
    return createChdbConnection({ path })
  } catch (cause) {
    const message = `The warehouse at ${path} cannot be opened; one process at a time can have it open.`
    throw new Problem('warehouse.open', 500, message, { cause })
  }
}

async function prepareTables(
  client: ClickHouseClient,
  retentionDays: number,
  auditDays: number,
): Promise<void> {
  const requests = [createRequests(retentionDays), ...alterRequests(retentionDays)]
  for (const query of [...requests, createAudit(auditDays), ...alterAudit(auditDays)])
    await client.command({ query })
}

async function askFor(
  client: ClickHouseClient,
  { sql, params, settings }: Statement,
): Promise<readonly Row[]> {
  // In the statement and not beside it: what is set beside it would stay set on an embedded connection.
  const clause = Object.entries({ ...outputSettings, ...settings })
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ')
  const result = await client.query({
    query: `${sql}\nSETTINGS ${clause}`,
    format: 'JSONEachRow',
    query_params: { ...params },
  })
  return await result.json<Row>()
}

const outputSettings = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
} as const
