import { textIn, type DetailRow } from './detail-row.ts'

/** What became of a request, in one sentence. */
export function sentenceOfOutcome(row: DetailRow): string {
  const text = (name: string): string => textIn(row, name)
  const reason = text('reason') === '' ? '' : ` (${text('reason')})`
  switch (text('outcome')) {
    case 'denied':
      return `Denied by ${text('denied_by') || 'the gateway'}${reason}; the service was not asked.`
    case 'failed':
      return `Failed${reason}: ${text('service') || 'the service'} gave no usable answer.`
    default:
      return `Allowed; ${text('service') || 'the service'} answered ${text('upstream_status') || text('status')}.`
  }
}
