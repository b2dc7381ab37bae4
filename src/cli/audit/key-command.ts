import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Problem } from '../../lib/problem.ts'
import { auditKeyFile, type AuditSource } from './open-audit-source.ts'

export function keyCommand(source: AuditSource): void {
  const file = auditKeyFile(source)
  if (!existsSync(file))
    throw new Problem('cli.no_key', 404, `No audit key: ${file} does not exist.`)
  const key = createPublicKey(readFileSync(file, 'utf8'))
  console.log((key.export({ type: 'spki', format: 'pem' }) as string).trimEnd())
}
