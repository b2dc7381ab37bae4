import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { verifyAudit } from '../../control/verify-audit.ts'
import { Problem } from '../../lib/problem.ts'
import type { AuditCheckpoint, AuditReport } from '../../schema/audit-record.ts'
import { auditKeyFile, withAuditLog, type AuditSource } from './open-audit-source.ts'

export type TrustFiles = {
  readonly keys: readonly string[]
  readonly checkpoints: readonly string[]
}

/** Verifies the log and prints the report; returns the exit status, 0 for an intact log. */
export async function verifyCommand(
  source: AuditSource,
  files: TrustFiles,
  asJson: boolean,
): Promise<number> {
  const report = await withAuditLog(source, (rows) => {
    const checkpoints = files.checkpoints.map(readCheckpoint)
    return verifyAudit(rows, { keys: readKeys(source, files), checkpoints })
  })
  console.log(asJson ? JSON.stringify(report, undefined, 2) : describe(report))
  return report.intact ? 0 : 1
}

/** The given keys, else the one that this machine signs with. */
function readKeys(source: AuditSource, { keys }: TrustFiles): string[] {
  const own = auditKeyFile(source)
  const files = keys.length > 0 ? keys : [own]
  return files.map((file) => {
    if (existsSync(file)) return toPublicPem(readFileSync(file, 'utf8'))
    const message = `The key ${file} does not exist; pass the public key of the log with --key.`
    throw new Problem('cli.audit_key', 404, message)
  })
}

function toPublicPem(pem: string): string {
  if (!pem.includes('PRIVATE KEY')) return pem
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }) as string
}

const checkpoint = z.object({
  kind: z.enum(['head', 'along', 'pruned']),
  sequence: z.int().min(0),
  hash: z.string(),
  time: z.number(),
  key: z.string(),
  signature: z.string(),
})

function readCheckpoint(file: string): AuditCheckpoint {
  try {
    return checkpoint.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    const message = existsSync(file)
      ? `${file} is not a checkpoint of an audit log.`
      : `The checkpoint ${file} does not exist.`
    throw new Problem('cli.checkpoint', 400, message, { cause })
  }
}

function describe({ intact, records, first, last, checkpoints, faults }: AuditReport): string {
  const span = records === 0 ? 'no records' : `records ${first} to ${last}`
  const signed = `${checkpoints} signed ${checkpoints === 1 ? 'checkpoint' : 'checkpoints'}`
  if (intact) return `The audit log is intact: ${span}, ${signed}.`
  const lines = faults.map(({ says }) => `  ${says}`)
  return [`The audit log was modified (${records} records read):`, ...lines].join('\n')
}

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
