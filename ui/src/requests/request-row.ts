import type { Answer } from '../../../src/schema/answer.ts'

/** A request in the table. */
export type RequestRow = {
  readonly id: string
  readonly time: number
  readonly method: string
  readonly path: string
  readonly status: number
  readonly duration: number
  readonly gateway: number
  readonly upstream: number
  readonly receive: number
  readonly workspace: string
  readonly service: string
  readonly route: string
  /** Null when masked. */
  readonly consumer: string | null
}

export const toRows = (answer: Answer | undefined): RequestRow[] => (answer?.data ?? []).map(toRow)

const toRow = (row: DetailRow): RequestRow => ({
  id: textIn(row, 'request_id'),
  time: Date.parse(textIn(row, 'time')),
  method: textIn(row, 'method'),
  path: textIn(row, 'path'),
  status: numberIn(row, 'status'),
  ...toTiming(row),
  workspace: textIn(row, 'workspace'),
  service: textIn(row, 'service'),
  route: textIn(row, 'route'),
  consumer: row['requests.consumer'] === null ? null : textIn(row, 'consumer'),
})

/** The parts of a request's duration, in milliseconds. */
export const toTiming = (row: DetailRow) => ({
  duration: numberIn(row, 'duration'),
  gateway: numberIn(row, 'gateway_duration'),
  upstream: numberIn(row, 'upstream_duration'),
  receive: numberIn(row, 'receive_duration'),
})

/** A row of an ungrouped answer. */
export type DetailRow = Answer['data'][number]

/** A cell as text, by the member's name without the dataset; '' when empty. */
export function textIn(row: DetailRow, name: string): string {
  const cell = row[`requests.${name}`] ?? ''
  return Array.isArray(cell) ? cell.join(', ') : String(cell)
}

/** A cell as a number, by the member's name without the dataset; 0 when empty. */
export const numberIn = (row: DetailRow, name: string): number =>
  Number(row[`requests.${name}`] ?? 0)
