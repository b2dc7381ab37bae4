import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { SessionRows } from '../schema/session-rows.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'
import type { AppendAudit, AuditRows } from './audit-rows.ts'
import type { LeaseRows } from './lease-rows.ts'
import type { TokenUses } from './token-uses.ts'

/** A row to write or, without an entry, to remove. */
export type Write = {
  readonly entity: EntityName
  readonly id: string
  /** What was there. */
  readonly before: Entry | undefined
  readonly entry: Entry | undefined
}

/** What a revision did to one entity. */
export type KeptChange = {
  readonly revision: number
  readonly entity: EntityName
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** How many entities of one kind and workspace a revision made, changed and removed. */
export type ChangeCount = {
  readonly revision: number
  readonly entity: EntityName
  readonly workspace: string | null
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** Revisions from one to another, both included. */
export type RevisionSpan = { readonly from: number; readonly to: number }

/** A numbered state of the configuration as the store keeps it. */
export type Revision = {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Name of the principal that made it. */
  readonly principal: string
  readonly summary: string
  /** What its maker said about it. */
  readonly message: string | null
}

/** What one change leaves behind, all of it or nothing. */
export type Commit = {
  readonly writes: readonly Write[]
  readonly revision: Revision
  readonly sealed: SealedSnapshot
  readonly audit: AppendAudit
  /** Ids of principals to sign out everywhere. */
  readonly endSessionsOf: readonly string[]
  /** Settings that become true with it. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The configuration store: entities, revisions, audit records, sessions and settings in one database. */
export type Store = {
  /** In which database it is. */
  readonly engine: 'sqlite' | 'postgres'
  /** Everything, and the newest revision when there is one. */
  load(): Promise<{ entries: Entries; latest: SealedSnapshot | undefined }>
  /** The number of the newest revision; 0 when there is none. */
  newest(): Promise<number>
  /** Keeps a change in one transaction; false, and nothing is kept, when its revision was made by somebody else meanwhile. */
  commit(commit: Commit): Promise<boolean>
  /** Calls back whenever another process may have made a revision; returns how to stop. */
  watch(listener: () => void): () => void
  readonly leases: LeaseRows
  readonly audit: AuditRows
  readonly tokenUses: TokenUses
  /** Newest first, at most `limit`. */
  readRevisions(limit: number): Promise<Revision[]>
  /** The revisions of a span, newest first. */
  readRevisionSpan(span: RevisionSpan): Promise<Revision[]>
  /** What the revisions of a span did, oldest first; those from before changes were kept did nothing. */
  readChanges(span: RevisionSpan): Promise<KeptChange[]>
  /** How much the revisions of a span did. */
  countChanges(span: RevisionSpan): Promise<ChangeCount[]>
  /** A revision as it was sealed. */
  readSealed(revision: number): Promise<SealedSnapshot | undefined>
  readonly sessions: SessionRows
  readSetting(name: string): Promise<string | undefined>
  /** The setting, which becomes what is given when there is none. */
  keepSetting(name: string, value: string): Promise<string>
  /** Without a value the setting is removed. */
  writeSetting(name: string, value: string | undefined): Promise<void>
  close(): Promise<void>
}
