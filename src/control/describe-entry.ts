import { uuidv7 } from '../lib/ids.ts'
import type { AuditRecord } from '../schema/audit-record.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { Origin } from './change-configuration.ts'

/** The record of somebody coming in or going out, which changes nothing. */
export const describeEntry = (
  time: number,
  origin: Origin,
  { principal, because, status }: Pick<AuditRecord, 'principal' | 'because' | 'status'>,
): AuditRecord => ({
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
