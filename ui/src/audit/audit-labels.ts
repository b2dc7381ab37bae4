import type { AuditRecordSummary } from '../../../src/schema/audit-answer.ts'
import type { AuditRecord } from '../../../src/schema/audit-record.ts'

const sessionPath = '/api/session'
const verbs = { create: 'Create', read: 'Read', update: 'Update', delete: 'Delete' } as const

/** The action of a record, to be followed by its path. */
export function actionLabel({ path, action }: Pick<AuditRecord, 'path' | 'action'>): string {
  if (path === sessionPath) return action === 'delete' ? 'Sign out' : 'Sign in'
  return verbs[action]
}

/** The first changed entity of a record, and the number of others. */
export function touchedLabel({ touched, touches }: AuditRecordSummary): string {
  const [first] = touches
  if (first === undefined) return ''
  const name = first.name ?? first.id.slice(0, 8)
  const more = touched > 1 ? `, and ${touched - 1} more` : ''
  return `${first.entity.replaceAll('-', ' ')} ${name} ${first.did}${more}`
}
