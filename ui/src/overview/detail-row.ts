import type { Answer } from '../../../src/schema/answer.ts'

/** A row of an ungrouped answer. */
export type DetailRow = Answer['data'][number]

/** The text in a cell of `requests`, by the member's name without the dataset; '' when there is none. */
export function textIn(row: DetailRow, name: string): string {
  const cell = row[`requests.${name}`] ?? ''
  return Array.isArray(cell) ? cell.join(', ') : String(cell)
}

/** The number in a cell of `requests`; 0 when there is none. */
export const numberIn = (row: DetailRow, name: string): number =>
  Number(row[`requests.${name}`] ?? 0)
