import type { AuditCheckpoint, AuditReport, ChainedRecord } from './audit-record.ts'

/** What a change did to one entity, shortly. */
export type Touch = {
  readonly entity: string
  readonly id: string
  readonly name: string | null
  readonly did: 'created' | 'updated' | 'deleted'
}

/** A record in a list: how many entities it touched, and the first of them. */
export type AuditLine = Omit<ChainedRecord, 'before' | 'after'> & {
  readonly touched: number
  readonly touches: readonly Touch[]
}

/** Answer of GET /audit: newest first; `offset` leads to the records before the last of these. */
export type AuditPage = {
  readonly data: readonly AuditLine[]
  readonly next: string | null
  readonly offset?: string
}

/** Answer of GET /audit/chain: what is signed about the log. */
export type AuditChain = {
  readonly head: AuditCheckpoint | null
  /** What stands for the records that were pruned. */
  readonly base: AuditCheckpoint | null
  readonly along: readonly AuditCheckpoint[]
  /** Ed25519 public key that proves them, SPKI PEM. */
  readonly public_key: string
}

/** Answer of GET /audit/verify. */
export type AuditVerdict = AuditReport & { readonly time: number }
