import type { RawBuilder } from 'kysely'
import type { Database } from './database.ts'

/** A database engine under the store: what SQLite and PostgreSQL do each in its own way. */
export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  readonly database: Database
  /** Where it is, for sentences; holds no password. */
  readonly place: string
  /** Milliseconds since the epoch by a clock that all users of the database share. */
  readonly now: RawBuilder<number>
  /** Runs work that sees the database as it is at one moment. */
  atOnce<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Keeps a copy of everything that is there, and says where. */
  backUp(): Promise<string>
  /** Lets go of the space, and with it of the contents, of what was replaced. */
  compact(): Promise<void>
  /** Within a transaction: tells those who watch, once it is committed. */
  announce(transaction: Database): Promise<void>
  /** Calls back whenever another process may have made a revision; returns how to stop. */
  watch(listener: () => void): () => void
  close(this: void): Promise<void>
}
