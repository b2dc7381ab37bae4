import type { AuditRecord } from '../schema/audit-record.ts'
import type { Entries, Entry } from '../schema/entry.ts'
import type { SessionRows } from '../schema/session-rows.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'

/** A row to write or, without an entry, to remove. */
export type Write = {
  readonly entity: string
  readonly id: string
  readonly entry: Entry | undefined
}

/** A numbered state of the configuration as the store keeps it. */
export type Revision = {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Name of the principal that made it. */
  readonly principal: string
  readonly summary: string
}

/** What one change leaves behind, all of it or nothing. */
export type Commit = {
  readonly writes: readonly Write[]
  readonly revision: Revision
  readonly sealed: SealedSnapshot
  readonly audit: AuditRecord
  /** Ids of principals to sign out everywhere. */
  readonly endSessionsOf: readonly string[]
}

/** The configuration store: entities, revisions, audit records, sessions and settings in one database. */
export type Store = {
  /** Everything, and the newest revision when there is one. */
  load(): Promise<{ entries: Entries; latest: SealedSnapshot | undefined }>
  /** Keeps a change in one transaction. */
  commit(commit: Commit): Promise<void>
  /** Keeps the record of something that changed nothing. */
  record(audit: AuditRecord): Promise<void>
  /** Newest first, at most `limit`. */
  readAudit(limit: number): Promise<AuditRecord[]>
  /** Newest first, at most `limit`. */
  readRevisions(limit: number): Promise<Revision[]>
  /** A revision as it was sealed. */
  readSealed(revision: number): Promise<SealedSnapshot | undefined>
  readonly sessions: SessionRows
  readSetting(name: string): Promise<string | undefined>
  /** Without a value the setting is removed. */
  writeSetting(name: string, value: string | undefined): Promise<void>
  close(): Promise<void>
}
