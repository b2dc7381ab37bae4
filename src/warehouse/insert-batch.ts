import { Readable } from 'node:stream'
import { drainStream, type ClickHouseClient } from '@clickhouse/client'
import { Problem } from '../lib/problem.ts'
import { insertProblem, insertSettings } from './insert-settings.ts'

/**
 * Inserts a batch as a single block with its id as the deduplication token: the table holds the whole batch once or none of
 * it, however often it is sent.
 */
export async function insertBatch(
  client: ClickHouseClient,
  table: string,
  batchId: string,
  ndjson: Buffer,
): Promise<void> {
  const settings = insertSettings(batchId)
  if (ndjson.length === 0) return
  // chDB ends the data of an INSERT at an empty line and runs what follows as a statement.
  if (ndjson[0] === newline || ndjson.includes('\n\n'))
    throw lineProblem(ndjson.toString().split('\n').indexOf('') + 1, table)
  try {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} SETTINGS ${settings} FORMAT JSONEachRow`,
      values: Readable.from([ndjson]),
    })
    await drainStream(stream)
  } catch (error) {
    throw problemOf(error, table, ndjson)
  }
}

const newline = 10

/** 400 names the line when the batch is at fault. */
function problemOf(error: unknown, table: string, ndjson: Buffer): Problem {
  const text = error instanceof Error ? error.message : ''
  if (!/JSONEachRow|\(at row \d+\)/.test(text)) return insertProblem(error)
  const line = Number(/\(at row (\d+)\)/.exec(text)?.[1] ?? firstInvalidLine(ndjson))
  return lineProblem(line, table, error)
}

const lineProblem = (line: number, table: string, cause?: unknown): Problem =>
  new Problem(
    'warehouse.batch',
    400,
    `Line ${line} of the batch is not a valid row of table ${table}.`,
    { detail: { line }, cause },
  )

function firstInvalidLine(ndjson: Buffer): number {
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
    // The answer itself.
    return false
  }
}
