import type { RawBuilder } from 'kysely'
import type { Database } from './database.ts'

/** Differences between SQLite and PostgreSQL. */
export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  readonly database: Database
  /** Its file or URL for messages, without a password. */
  readonly location: string
  /** SQL for the database's clock, in milliseconds since the epoch. */
  readonly now: RawBuilder<number>
  /** Reads in one transaction at isolation level repeatable read. */
  repeatableRead<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Writes in one transaction, which may be large. It survives the process at once, and a power loss after `flush`. */
  transact<T>(work: (transaction: Database) => Promise<T>, isLarge: boolean): Promise<T>
  /** Resolves when every transaction that was committed before the call survives a power loss. */
  flush(this: void): Promise<void>
  /** Writes a copy of the database and returns its file name. */
  backUp(): Promise<string>
  /** Frees the pages of replaced rows, so that their contents are gone from the disk. */
  vacuum(): Promise<void>
  /** Notifies the watchers of other processes when the transaction commits. */
  notify(transaction: Database): Promise<void>
  /** Calls back whenever another process may have made a revision. Returns a function that stops it. */
  watch(listener: () => void): () => void
  close(this: void): Promise<void>
}
