import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { uuidv7 } from '../../lib/ids.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'
import type { Control, Origin } from '../change-configuration.ts'

/** Result of a sign-in, and the reason. */
export type SignInOutcome = Pick<AuditRecord, 'principal' | 'because' | 'status'>

/** Writes the audit record of a sign-in or sign-out. */
export function auditSignIn(
  { auditLog, clock }: Pick<Control, 'auditLog' | 'clock'>,
  origin: Origin,
  { principal, because, status }: SignInOutcome,
): Promise<void> {
  const time = clock.now()
  return auditLog.write({
    ...origin,
    id: uuidv7(time),
    time,
    principal,
    workspace: defaultWorkspace.name,
    workspaceId: defaultWorkspace.id,
    action: origin.method === 'DELETE' ? 'delete' : 'create',
    allowed: status < 400,
    because,
    before: [],
    after: [],
    status,
    revision: null,
  })
}
