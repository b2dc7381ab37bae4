import type { ColumnBlock } from '../schema/column-block.ts'

/** The times of the rows of a block, in milliseconds. */
export function* timesOfBlock(block: ColumnBlock): Iterable<number> {
  const column = block.columns.get('time')
  if (column?.kind === 'number') for (const microseconds of column.values) yield microseconds / 1000
}

/** The times of rows in JSON, one per line: decimal seconds since the epoch. */
export function* timesOfLines(ndjson: Buffer): Iterable<number> {
  for (const [, seconds] of ndjson.toString().matchAll(/"time":"?(\d+(?:\.\d+)?)/g))
    yield Number(seconds) * 1000
}
