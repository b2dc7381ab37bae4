import { sign, verify, type KeyObject } from 'node:crypto'
import type { AuditCheckpoint, ChainPosition, CheckpointKind } from '../schema/audit-record.ts'
import type { AuditKey } from './audit-key.ts'

export function signCheckpoint(
  key: AuditKey,
  kind: CheckpointKind,
  { sequence, hash }: ChainPosition,
  time: number,
): AuditCheckpoint {
  const unsigned = { kind, sequence, hash, time, key: key.id }
  const signature = sign(null, signedText(unsigned), key.private).toString('base64')
  return { ...unsigned, signature }
}

/** Whether the signature of a checkpoint is valid for its contents. */
export const hasValidSignature = (checkpoint: AuditCheckpoint, key: KeyObject): boolean =>
  verify(null, signedText(checkpoint), key, Buffer.from(checkpoint.signature, 'base64'))

/** The signed bytes. Fields contain no line feed, so the text is unambiguous. */
const signedText = ({
  kind,
  sequence,
  hash,
  time,
  key,
}: Omit<AuditCheckpoint, 'signature'>): Buffer =>
  Buffer.from(`weir audit checkpoint 1\n${kind}\n${sequence}\n${hash}\n${time}\n${key}\n`)
