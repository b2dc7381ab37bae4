import type { Insertable, Selectable } from 'kysely'
import type { AuditRecord } from '../schema/audit-record.ts'
import type { Action } from '../schema/role.ts'
import type { FixedTables } from './database.ts'

/** The row of an audit record. */
export function auditRowOf(record: AuditRecord): Insertable<FixedTables['audit']> {
  const { requestId, principal, allowed, before, after, ...same } = record
  return {
    ...same,
    request_id: requestId,
    principal_id: principal?.id ?? null,
    principal_name: principal?.name ?? null,
    allowed: Number(allowed),
    before: JSON.stringify(before),
    after: JSON.stringify(after),
  }
}

/** The audit record of a row. */
export function auditOf(row: Selectable<FixedTables['audit']>): AuditRecord {
  const { request_id, principal_id, principal_name, allowed, before, after, action, ...same } = row
  return {
    ...same,
    action: action as Action,
    requestId: request_id,
    principal: principal_id === null ? null : { id: principal_id, name: principal_name ?? '' },
    allowed: allowed === 1,
    before: JSON.parse(before) as unknown[],
    after: JSON.parse(after) as unknown[],
  }
}
