import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { Revision } from '../schema/audit-record.ts'
import type { SessionRows } from '../schema/session-rows.ts'
import type { Seal } from '../schema/snapshot.ts'
import type { AppendAudit, AuditRows } from './audit-rows.ts'
import type { LeaseRows } from './lease-rows.ts'
import type { SecondFactors } from './second-factors.ts'
import type { TokenUses } from './token-uses.ts'
import type { IdentityUses } from './identity-uses.ts'

/** An entity to insert, update or, without an entry, delete. */
export type Write = {
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly entry: Entry | undefined
}

/** Change of one entity in a revision. */
export type RecordedChange = {
  readonly revision: number
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** Number of entities of one kind and workspace that a revision created, updated and deleted. */
export type ChangeCount = {
  readonly revision: number
  readonly entity: EntityName
  readonly workspace: string | null
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** A range of revisions, both ends included. */
export type RevisionSpan = { readonly from: number; readonly to: number }

/** Everything a change writes, in one transaction. */
export type Commit = {
  readonly writes: readonly Write[]
  readonly revision: Revision
  readonly seal: Seal
  readonly audit: AppendAudit
  /** Ids of principals whose sessions end. */
  readonly endSessionsOf: readonly string[]
  /** Settings to write in the same transaction. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The configuration store: entities, revisions, audit records, sessions and settings in one database. */
export type Store = {
  readonly engine: 'sqlite' | 'postgres'
  /** All entities and the seal of the newest revision, as of one moment. */
  load(): Promise<{ entries: Entries; latest: Seal | undefined }>
  /** The number of the newest revision, 0 when there is none. */
  newest(): Promise<number>
  /** Commits a change. Writes nothing and returns false when another process committed that revision first. */
  commit(commit: Commit): Promise<boolean>
  /** Resolves when every change that was committed before the call survives a power loss. */
  flush(this: void): Promise<void>
  /** Calls back whenever another process may have made a revision. Returns a function that stops it. */
  watch(listener: () => void): () => void
  readonly leases: LeaseRows
  readonly audit: AuditRows
  readonly tokenUses: TokenUses
  readonly identityUses: IdentityUses
  readonly secondFactors: SecondFactors
  /** Newest first, at most `limit`. */
  readRevisions(limit: number): Promise<Revision[]>
  /** Newest first. */
  readRevisionSpan(span: RevisionSpan): Promise<Revision[]>
  /** Oldest first. Revisions from before 0002-changes have none. */
  readChanges(span: RevisionSpan): Promise<RecordedChange[]>
  countChanges(span: RevisionSpan): Promise<ChangeCount[]>
  /** The seal of a revision; its root is empty when it was sealed before 0007-roots. */
  readSeal(revision: number): Promise<Seal | undefined>
  /** The newest revision that was pruned, 0 when none was. */
  prunedThrough(): Promise<number>
  /** Removes a part of the revisions up to a number, oldest first; false once none is left. They count as pruned from the first part on. */
  pruneRevisions(through: number): Promise<boolean>
  /** The oldest revision that is newer than a time in milliseconds since the epoch. */
  oldestSince(time: number): Promise<number | undefined>
  readonly sessions: SessionRows
  readSetting(name: string): Promise<string | undefined>
  /** Inserts the setting unless it exists, and returns the one that is stored. */
  getOrInsertSetting(name: string, value: string): Promise<string>
  /** Undefined deletes the setting. */
  writeSetting(name: string, value: string | undefined): Promise<void>
  close(): Promise<void>
}
