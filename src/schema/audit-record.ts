import type { Action } from '../entities/action.ts'

/** What somebody did to the configuration, or tried to. */
export type AuditRecord = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly requestId: string
  /** Null when nobody could be identified. */
  readonly principal: { readonly id: string; readonly name: string } | null
  readonly address: string
  /** Name of the workspace that was asked for. */
  readonly workspace: string
  /** Id that the workspace had; empty when there was none of that name. */
  readonly workspaceId: string
  readonly method: string
  readonly path: string
  readonly action: Action
  readonly allowed: boolean
  /** The rule that decided, or the sentence of the refusal. */
  readonly because: string
  /** The touched entities as they were, secrets redacted. */
  readonly before: readonly unknown[]
  /** The touched entities as they became, secrets redacted. */
  readonly after: readonly unknown[]
  readonly status: number
  /** Revision the change made, null when it made none. */
  readonly revision: number | null
}

/** A record in its place: its hash covers all of it, and the hash of the one before. */
export type ChainedRecord = AuditRecord & {
  /** 1 for the first record ever kept, then one more for each. */
  readonly sequence: number
  /** Hash of the record before; 64 zeros for the first. */
  readonly previous: string
  /** SHA-256 in hex of the record's canonical JSON text without this field. */
  readonly hash: string
}

/** A place in the chain. */
export type AuditPlace = { readonly sequence: number; readonly hash: string }

/** The words for which a place is signed: as the end of the chain, along its way, or for the records that were pruned up to it. */
export type CheckpointKind = 'head' | 'along' | 'pruned'

/** A signed statement that the chain had this hash at this record. */
export type AuditCheckpoint = AuditPlace & {
  readonly kind: CheckpointKind
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The first 16 hex digits of the SHA-256 of the public key. */
  readonly key: string
  /** Ed25519 signature in base64. */
  readonly signature: string
}

/** Which records to read: all that is given must hold. */
export type AuditFilter = {
  /** Only records before this one, when newest are read first. */
  readonly below?: number | undefined
  /** Only records after this one. */
  readonly above?: number | undefined
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly to?: number | undefined
  /** Name or id. */
  readonly principal?: string | undefined
  readonly action?: Action | undefined
  readonly allowed?: boolean | undefined
  readonly status?: number | undefined
  readonly method?: string | undefined
  /** Beginning of the path. */
  readonly path?: string | undefined
  readonly requestId?: string | undefined
  readonly revision?: number | undefined
  /** Only records of these workspaces. */
  readonly workspaces?: readonly AuditWorkspace[] | undefined
}

/** A workspace as records name it. */
export type AuditWorkspace = { readonly id: string; readonly name: string }

/** One thing that was found wrong with the chain. */
export type AuditFault = {
  readonly kind: 'changed' | 'missing' | 'moved' | 'extra' | 'unsigned' | 'forged' | 'contradicted'
  /** The record it is about, or the first of them. */
  readonly sequence: number
  /** The last of them. */
  readonly through: number
  /** What is wrong and where, in a sentence. */
  readonly says: string
}

/** What a verification found. */
export type AuditReport = {
  readonly intact: boolean
  /** How many records were read. */
  readonly records: number
  /** The first and last record that should be there; both 0 when there is none. */
  readonly first: number
  readonly last: number
  /** How many signed checkpoints were held against the records. */
  readonly checkpoints: number
  /** At most a hundred. */
  readonly faults: readonly AuditFault[]
}
