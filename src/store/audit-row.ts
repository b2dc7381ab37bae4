import type { Insertable, Selectable } from 'kysely'
import type { ChainedRecord } from '../schema/audit-record.ts'
import type { Action } from '../entities/action.ts'
import type { FixedTables } from './database.ts'

/** The row of an audit record. */
export function auditRowOf(record: ChainedRecord): Insertable<FixedTables['audit']> {
  const { requestId, workspaceId, principal, allowed, before, after, ...same } = record
  return {
    ...same,
    request_id: requestId,
    workspace_id: workspaceId,
    principal_id: principal?.id ?? null,
    principal_name: principal?.name ?? null,
    allowed: Number(allowed),
    before: JSON.stringify(before),
    after: JSON.stringify(after),
  }
}

/** The audit record of a row. Some drivers give large integers as text. */
export function auditOf(row: Selectable<FixedTables['audit']>): ChainedRecord {
  const { request_id, principal_id, principal_name, workspace_id, ...rest } = row
  const { time, sequence, allowed, before, after, action, revision, ...same } = rest
  return {
    ...same,
    time: Number(time),
    sequence: Number(sequence),
    action: action as Action,
    requestId: request_id,
    workspaceId: workspace_id,
    principal: principalIn(principal_id, principal_name),
    allowed: Number(allowed) === 1,
    before: listIn(before),
    after: listIn(after),
    revision: revision === null ? null : Number(revision),
  }
}

/** Either half alone is no principal of ours, but must not look like nobody. */
const principalIn = (id: string | null, name: string | null): ChainedRecord['principal'] =>
  id === null && name === null ? null : { id: id ?? '', name: name ?? '' }

/** What was tampered with may be no JSON; then it is shown as it stands, and has another hash. */
function listIn(text: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[]
  } catch {
    return [text]
  }
}
