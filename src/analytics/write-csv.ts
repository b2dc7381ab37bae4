import type { Answer, Cell } from '../schema/answer.ts'

/** An answer as CSV (RFC 4180), with the members' full names as its header. */
export function writeCsv({ data, annotation }: Answer): string {
  const names = Object.keys({
    ...annotation.dimensions,
    ...Object.fromEntries(bucketNames(annotation.timeDimensions).map((name) => [name, true])),
    ...annotation.measures,
  })
  const lines = data.map((row) => names.map((name) => field(row[name] ?? null)))
  return [names.map(field), ...lines].map((fields) => `${fields.join(',')}\r\n`).join('')
}

/** A time dimension without a granularity only says which rows, and is no column. */
const bucketNames = (times: Answer['annotation']['timeDimensions']): readonly string[] =>
  Object.keys(times).filter((name) => name.split('.').length > 2)

function field(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell)
  const text = harmless(typeof cell === 'string' ? cell : cell.join(', '))
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Spreadsheets run what begins like a formula, and take an apostrophe in front for text. */
const harmless = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)
