import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { drainStream, type ClickHouseClient } from '@clickhouse/client'
import { openSerialQueue } from '../lib/serial-queue.ts'
import { insertProblem, insertSettings } from './insert-settings.ts'

/** Inserts the rows of a buffer in the format Native as one block, with its id as the deduplication token. */
export type InsertNative = (table: string, id: string, native: Buffer) => Promise<void>

/** For a server: the rows are the body of the request. */
export const insertIntoServer =
  (client: ClickHouseClient): InsertNative =>
  async (table, id, native) => {
    const query = `INSERT INTO ${table} SETTINGS ${insertSettings(id)} FORMAT Native`
    await run(client, query, Readable.from([native]))
  }

/** For the embedded engine, which reads the rows from a file in its directory: it takes statements as text only. */
export function insertIntoEmbedded(client: ClickHouseClient, directory: string): InsertNative {
  const path = join(directory, 'insert.native')
  const file = path.replaceAll('\\', '\\\\').replaceAll(`'`, `\\'`)
  const queue = openSerialQueue()
  return (table, id, native) => {
    const query = `INSERT INTO ${table} FROM INFILE '${file}' SETTINGS ${insertSettings(id)} FORMAT Native`
    return queue.run(async () => {
      await writeFile(path, native, { mode: 0o600 })
      await run(client, query)
      await rm(path)
    })
  }
}

async function run(client: ClickHouseClient, query: string, values?: Readable): Promise<void> {
  try {
    const { stream } = await client.exec({ query, ...(values === undefined ? {} : { values }) })
    await drainStream(stream)
  } catch (cause) {
    throw insertProblem(cause)
  }
}
