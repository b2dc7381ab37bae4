import type { Action } from '../entities/action.ts'

/** A change of the configuration, or a refused request. */
export type AuditRecord = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly requestId: string
  /** Null when the request was not authenticated. */
  readonly principal: { readonly id: string; readonly name: string } | null
  readonly address: string
  /** Name of the requested workspace. */
  readonly workspace: string
  /** Id of the workspace; empty when there was no workspace of that name. */
  readonly workspaceId: string
  readonly method: string
  readonly path: string
  readonly action: Action
  readonly allowed: boolean
  /** The deciding rule, or the error message. */
  readonly because: string
  /** The changed entities before the change, secrets redacted. */
  readonly before: readonly unknown[]
  /** The changed entities after the change, secrets redacted. */
  readonly after: readonly unknown[]
  readonly status: number
  /** The revision that the change created, or null. */
  readonly revision: number | null
  /** SHA-256 in hex of the row of that revision; absent when there is none, and in records from before 0010-revision-hashes. */
  readonly revisionHash?: string
}

/** The row of a revision. */
export type Revision = {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Name of the principal. */
  readonly principal: string
  readonly summary: string
  /** The message given with the change. */
  readonly message: string | null
}

/** A record in the hash chain. Its hash covers the record and the hash of the previous one. */
export type ChainedRecord = AuditRecord & {
  /** Starts at 1, without gaps. */
  readonly sequence: number
  /** Hash of the previous record; 64 zeros for the first. */
  readonly previous: string
  /** SHA-256 in hex of the record's canonical JSON text without this field. */
  readonly hash: string
}

/** A position in the chain. */
export type ChainPosition = { readonly sequence: number; readonly hash: string }

/** Position that a checkpoint signs: the end of the chain (`head`), one along it, or the last pruned record. Part of the signed text. */
export type CheckpointKind = 'head' | 'along' | 'pruned'

/** A signed position of the chain. */
export type AuditCheckpoint = ChainPosition & {
  readonly kind: CheckpointKind
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The first 16 hex digits of the SHA-256 of the public key. */
  readonly key: string
  /** Ed25519 signature in base64. */
  readonly signature: string
}

/** Conditions on records, joined by AND. */
export type AuditFilter = {
  /** Exclusive upper bound of `sequence`. */
  readonly below?: number | undefined
  /** Exclusive lower bound of `sequence`. */
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
  /** Prefix of the path. */
  readonly path?: string | undefined
  readonly requestId?: string | undefined
  readonly revision?: number | undefined
  readonly workspaces?: readonly AuditWorkspace[] | undefined
}

/** The id and name of a workspace at the time of a record. */
export type AuditWorkspace = { readonly id: string; readonly name: string }

/** A fault of the chain. */
export type AuditFault = {
  readonly kind: 'changed' | 'missing' | 'moved' | 'extra' | 'unsigned' | 'forged' | 'contradicted'
  /** The first record concerned. */
  readonly sequence: number
  /** The last record concerned. */
  readonly through: number
  /** Readable message. */
  readonly says: string
}

/** The result of a verification. */
export type AuditReport = {
  readonly intact: boolean
  /** Number of records read. */
  readonly records: number
  /** The expected first and last record; 0 for an empty chain. */
  readonly first: number
  readonly last: number
  /** Number of checkpoints compared with the records. */
  readonly checkpoints: number
  /** At most a hundred. */
  readonly faults: readonly AuditFault[]
}
