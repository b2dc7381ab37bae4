import type { AuditCheckpoint, AuditReport, ChainedRecord } from './audit-record.ts'

/** Summary of the change of one entity. */
export type Touch = {
  readonly entity: string
  readonly id: string
  readonly name: string | null
  readonly did: 'created' | 'updated' | 'deleted'
}

/** A record in a list, with the number of changed entities and the first of them. */
export type AuditRecordSummary = Omit<ChainedRecord, 'before' | 'after'> & {
  readonly touched: number
  readonly touches: readonly Touch[]
}

/** Answer of GET /audit, newest first. `offset` is the cursor of the next, older page. */
export type AuditPage = {
  readonly data: readonly AuditRecordSummary[]
  readonly next: string | null
  readonly offset?: string
}

/** Answer of GET /audit/chain: the signed checkpoints of the log. */
export type AuditChain = {
  readonly head: AuditCheckpoint | null
  /** Checkpoint at the last pruned record. */
  readonly base: AuditCheckpoint | null
  readonly along: readonly AuditCheckpoint[]
  /** Ed25519 public key that verifies them, SPKI PEM. */
  readonly public_key: string
}

/** Answer of GET /audit/verify. */
export type AuditVerification = AuditReport & { readonly time: number }
