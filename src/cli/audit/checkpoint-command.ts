import { Problem } from '../../lib/problem.ts'
import { withAuditLog, type AuditSource } from './open-audit-source.ts'

export async function checkpointCommand(source: AuditSource): Promise<void> {
  const { head } = await withAuditLog(source, (rows) => rows.signed())
  if (head === undefined) throw new Problem('cli.unsigned', 404, 'The audit log has no record yet.')
  console.log(JSON.stringify(head, undefined, 2))
}
