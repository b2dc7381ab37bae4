import type { AuditLine } from '../../../src/schema/audit-answer.ts'
import type { AuditRecord } from '../../../src/schema/audit-record.ts'

const entrance = '/api/session'
const verbs = { create: 'Create at', read: 'Read', update: 'Update', delete: 'Delete' } as const

/** What somebody did, or tried, as a verb before the path. */
export function actionLabel({ path, action }: Pick<AuditRecord, 'path' | 'action'>): string {
  if (path === entrance) return action === 'delete' ? 'Sign out at' : 'Sign in at'
  return verbs[action]
}

/** What a change touched, shortly: the first thing by its name, and how many more. */
export function touchedLabel({ touched, touches }: AuditLine): string {
  const [first] = touches
  if (first === undefined) return ''
  const name = first.name ?? first.id.slice(0, 8)
  const more = touched > 1 ? `, and ${touched - 1} more` : ''
  return `${first.entity.replaceAll('-', ' ')} ${name} ${first.did}${more}`
}
