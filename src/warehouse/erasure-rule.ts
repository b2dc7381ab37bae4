import { createHash, randomBytes } from 'node:crypto'
import type { ColumnBlock, ColumnData } from '../schema/column-block.ts'
import { isRecord } from '../lib/is-record.ts'

/** Selectors of a request for the subject whose events are erased, and the columns that contain it. */
export const erasureColumns = {
  consumer: ['consumer', 'consumer_name'],
  subject: ['subject'],
  credential: ['credential'],
  client_address: ['client_address'],
  agent: ['agent'],
  peer_identity: ['peer_identity'],
} as const

export type ErasureSelector = keyof typeof erasureColumns

/** Events up to a time, with a value in a column. The value itself is kept nowhere: it is personal data. */
export type ErasureRule = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Id of a workspace; '' for all. */
  readonly workspace: string
  readonly selector: ErasureSelector
  readonly salt: string
  /** SHA-256 in hex of the salt and the value. */
  readonly hash: string
}

export function buildErasureRule(
  request: Pick<ErasureRule, 'id' | 'time' | 'workspace' | 'selector'>,
  value: string,
): ErasureRule {
  const salt = randomBytes(16).toString('hex')
  return { ...request, salt, hash: hashOf(salt, value) }
}

const hashOf = (salt: string, value: string): string =>
  createHash('sha256').update(salt).update(value).digest('hex')

/** The condition for rows of a table that has some of the columns; undefined when it has none. */
export function erasureSql(
  { time, workspace, selector, salt, hash }: ErasureRule,
  columns: readonly string[],
): string | undefined {
  const own = erasureColumns[selector].filter((column) => columns.includes(column))
  if (own.length === 0) return undefined
  const matches = own.map(
    (column) =>
      `(${column} != '' AND lower(hex(SHA256(concat('${salt}', ${column})))) = '${hash}')`,
  )
  return [
    `time <= fromUnixTimestamp64Milli(${time}, 'UTC')`,
    ...(workspace === '' ? [] : [`workspace = '${workspace}'`]),
    `(${matches.join(' OR ')})`,
  ].join(' AND ')
}

/** The block without the rows that the rules erase. */
export function withoutErasedRows(block: ColumnBlock, rules: readonly ErasureRule[]): ColumnBlock {
  const times = block.columns.get('time')
  if (rules.length === 0 || times?.kind !== 'number') return block
  const oldest = times.values.reduce((least, time) => Math.min(least, time), Infinity)
  const relevant = rules.filter(({ time }) => time * 1000 >= oldest)
  if (relevant.length === 0) return block
  const tests = relevant.map((rule) => erases(block, times.values, rule))
  const kept: number[] = []
  for (let row = 0; row < block.rows; row += 1) if (!tests.some((test) => test(row))) kept.push(row)
  if (kept.length === block.rows) return block
  const columns = new Map<string, ColumnData>()
  for (const [name, data] of block.columns) columns.set(name, pickRows(data, kept))
  return { rows: kept.length, texts: block.texts, columns }
}

function erases({ columns, texts }: ColumnBlock, times: Float64Array, rule: ErasureRule) {
  const matching = new Map<number, boolean>()
  const matches = (index: number): boolean => {
    const text = texts[index] ?? ''
    const known = matching.get(index) ?? (text !== '' && hashOf(rule.salt, text) === rule.hash)
    matching.set(index, known)
    return known
  }
  const indexesOf = (name: string): Uint32Array | undefined => {
    const column = columns.get(name)
    return column?.kind === 'text' ? column.indexes : undefined
  }
  const workspaces = indexesOf('workspace')
  const values = erasureColumns[rule.selector].flatMap((name) => indexesOf(name) ?? [])
  return (row: number): boolean =>
    (times[row] as number) <= rule.time * 1000 &&
    (rule.workspace === '' || texts[workspaces?.[row] ?? 0] === rule.workspace) &&
    values.some((indexes) => matches(indexes[row] as number))
}

function pickRows(data: ColumnData, rows: readonly number[]): ColumnData {
  switch (data.kind) {
    case 'text':
      return { kind: 'text', indexes: Uint32Array.from(rows, (row) => data.indexes[row] as number) }
    case 'number':
      return {
        kind: 'number',
        values: Float64Array.from(rows, (row) => data.values[row] as number),
      }
    case 'uuid':
      return {
        kind: 'uuid',
        bytes: Buffer.concat(rows.map((row) => data.bytes.subarray(16 * row, 16 * row + 16))),
      }
    case 'texts': {
      const indexes: number[] = []
      const ends = Uint32Array.from(rows, (row) => {
        const start = row === 0 ? 0 : (data.ends[row - 1] as number)
        for (let at = start; at < (data.ends[row] as number); at += 1)
          indexes.push(data.indexes[at] as number)
        return indexes.length
      })
      return { kind: 'texts', indexes: Uint32Array.from(indexes), ends }
    }
  }
}

/** Rows in JSON, one per line, without those that the rules erase. Lines that are not events stay unchanged. */
export function withoutErasedLines(ndjson: Buffer, rules: readonly ErasureRule[]): Buffer {
  if (rules.length === 0) return ndjson
  const isErased = (line: string): boolean => {
    let event: unknown
    try {
      event = JSON.parse(line)
    } catch {
      return false
    }
    if (!isRecord(event)) return false
    return rules.some(
      ({ time, workspace, selector, salt, hash }) =>
        Number(event['time']) * 1000 <= time &&
        (workspace === '' || event['workspace'] === workspace) &&
        erasureColumns[selector].some((column) => {
          const value = event[column]
          return typeof value === 'string' && value !== '' && hashOf(salt, value) === hash
        }),
    )
  }
  const lines = ndjson.toString().split('\n')
  return Buffer.from(lines.filter((line) => !isErased(line)).join('\n'))
}
