import type { Answer, Cell } from '../schema/answer.ts'

/** An answer as CSV (RFC 4180); the header has the full names of the members. */
export function writeCsv({ data, annotation }: Answer): string {
  const names = Object.keys({
    ...annotation.dimensions,
    ...Object.fromEntries(bucketNames(annotation.timeDimensions).map((name) => [name, true])),
    ...annotation.measures,
  })
  const lines = data.map((row) => names.map((name) => field(row[name] ?? null)))
  return [names.map(field), ...lines].map((fields) => `${fields.join(',')}\r\n`).join('')
}

/** A time dimension without a granularity only filters and is not a column. */
const bucketNames = (times: Answer['annotation']['timeDimensions']): readonly string[] =>
  Object.keys(times).filter((name) => name.split('.').length > 2)

function field(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell)
  const text = escapeFormula(typeof cell === 'string' ? cell : cell.join(', '))
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Spreadsheets evaluate text that starts like a formula, unless an apostrophe precedes it. */
const escapeFormula = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)
