import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Problem } from '../../lib/problem.ts'
import { auditKeyFile, withAuditLog, type AuditSource } from './open-audit-source.ts'

/** Prints the newest signed checkpoint. */
export async function checkpointCommand(source: AuditSource): Promise<void> {
  const { head } = await withAuditLog(source, (rows) => rows.signed())
  if (head === undefined) throw new Problem('cli.unsigned', 404, 'The audit log has no record yet.')
  console.log(JSON.stringify(head, undefined, 2))
}

/** Prints the public key in PEM. */
export function keyCommand(source: AuditSource): void {
  const file = auditKeyFile(source)
  if (!existsSync(file))
    throw new Problem('cli.no_key', 404, `No audit key: ${file} does not exist.`)
  const key = createPublicKey(readFileSync(file, 'utf8'))
  console.log((key.export({ type: 'spki', format: 'pem' }) as string).trimEnd())
}
