import { Readable } from 'node:stream'
import { drainStream, type ClickHouseClient } from '@clickhouse/client'
import { Problem } from '../lib/problem.ts'

/** The tables of the warehouse. */
export type Table = 'requests' | 'audit'

/** Stores a batch as one block under its id as the deduplication token, so that it is in the table once or not at all, however often it is sent. */
export async function insertBatch(
  client: ClickHouseClient,
  batchId: string,
  ndjson: Buffer,
  table: Table = 'requests',
): Promise<void> {
  if (!/^[\w.:-]{1,200}$/.test(batchId))
    throw new Problem(
      'warehouse.id',
      400,
      'A batch id is 1 to 200 letters, digits, dots, colons, dashes or underscores.',
    )
  if (ndjson.length === 0) return
  try {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} SETTINGS insert_deduplication_token = '${batchId}', ${settings} FORMAT JSONEachRow`,
      values: Readable.from([ndjson]),
    })
    await drainStream(stream)
  } catch (error) {
    throw refusal(error, ndjson)
  }
}

// A block ends at its row limit, or, parsed in parallel, wherever a thread stops: either would split the batch.
const settings = Object.entries({
  input_format_parallel_parsing: 0,
  max_insert_block_size: 100_000_000,
  min_insert_block_size_rows: 100_000_000,
  min_insert_block_size_bytes: 10_000_000_000,
  input_format_skip_unknown_fields: 0,
  input_format_null_as_default: 0,
  input_format_allow_errors_num: 0,
  max_partitions_per_insert_block: 0,
  async_insert: 0,
  insert_deduplicate: 1,
})
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')

/** The engine names the row it could not read, if the fault is in the batch; its words may hold the data and stay in the cause. */
function refusal(error: unknown, ndjson: Buffer): Problem {
  const words = error instanceof Error ? error.message : ''
  if (!/JSONEachRow|\(at row \d+\)/.test(words))
    return new Problem('warehouse.insert', 503, 'The warehouse could not store the batch.', {
      cause: error,
    })
  const line = Number(/\(at row (\d+)\)/.exec(words)?.[1] ?? firstNotJson(ndjson))
  return new Problem('warehouse.batch', 400, `Line ${line} of the batch is not an event.`, {
    detail: { line },
    cause: error,
  })
}

function firstNotJson(ndjson: Buffer): number {
  const lines = ndjson.toString().split('\n')
  return (
    1 +
    Math.max(
      0,
      lines.findIndex((line) => line !== '' && !isJson(line)),
    )
  )
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
