import type { Log } from '../lib/log.ts'
import { appendAudit, openAuditRows } from './audit-rows.ts'
import { countChanges, insertChanges, readChanges } from './change-rows.ts'
import type { Cipher, Keyring } from '../lib/cipher.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { readEntries, writeEntities } from './entity-rows.ts'
import { openIdentityUses } from './identity-uses.ts'
import { openLeaseRows } from './lease-rows.ts'
import { migrateStore } from './migrations/migrate-store.ts'
import {
  insertRevision,
  newestRevision,
  oldestSince,
  readSeal,
  revisionsOf,
} from './revision-rows.ts'
import { prunedThrough, pruneRevisions } from './prune-revisions.ts'
import { openCipher } from './seal-store.ts'
import { openSecondFactors } from './second-factors.ts'
import { openSessionRows } from './session-rows.ts'
import { openSettingRows } from './setting-rows.ts'
import type { Commit, Store } from './store.ts'
import { openTokenUses } from './token-uses.ts'

/** Options of a store. */
export type StoreOptions = {
  /** Encrypts secrets; without it they are stored in clear. */
  readonly keyring?: Keyring
  readonly log?: Log
}

/** Opens the store on an engine: migrates its tables, and encrypts secrets that are still in clear. */
export async function openStore(engine: Engine, options: StoreOptions = {}): Promise<Store> {
  try {
    await migrateStore(engine, options.log)
    return storeOf(engine, await openCipher(engine, options.keyring, options.log))
  } catch (error) {
    await engine.close()
    throw error
  }
}

function storeOf(engine: Engine, cipher: Cipher): Store {
  const { database } = engine
  const settings = openSettingRows(database, cipher)
  return {
    engine: engine.name,
    load: () =>
      engine.repeatableRead(async (reading) => ({
        entries: await readEntries(reading, cipher),
        latest: await readSeal(reading),
      })),
    newest: () => newestRevision(database),
    commit: (commit) => commitChange(engine, cipher, commit),
    flush: engine.flush,
    watch: (listener) => engine.watch(listener),
    leases: openLeaseRows(engine),
    audit: openAuditRows(database),
    tokenUses: openTokenUses(database),
    identityUses: openIdentityUses(database),
    secondFactors: openSecondFactors(database, cipher),
    readRevisions: (limit) => revisionsOf(database).limit(limit).execute(),
    readRevisionSpan: ({ from, to }) =>
      revisionsOf(database).where('number', '>=', from).where('number', '<=', to).execute(),
    readChanges: (span) => readChanges(database, span, cipher),
    countChanges: (span) => countChanges(database, span),
    readSeal: (revision) => readSeal(database, revision),
    prunedThrough: () => prunedThrough(database),
    pruneRevisions: (through) => pruneRevisions(database, through),
    oldestSince: (time) => oldestSince(database, time),
    sessions: openSessionRows(database),
    readSetting: (name) => settings.read(name),
    getOrInsertSetting: (name, value) => settings.getOrInsert(name, value),
    writeSetting: (name, value) => settings.write(name, value),
    close: () => engine.close(),
  }
}

/** Entities that a transaction writes along the way. */
const maxSmall = 500

/** Rolls back a transaction whose revision exists already. */
class RevisionConflict extends Error {}

/** The revision is inserted first: its primary key makes concurrent commits wait, so the rest is written on top of the revision that the change was built on. */
async function commitChange(engine: Engine, cipher: Cipher, commit: Commit): Promise<boolean> {
  const write = async (transaction: Database): Promise<void> => {
    if (!(await insertRevision(transaction, commit))) throw new RevisionConflict()
    await writeEntities(transaction, commit.writes, cipher)
    await insertChanges(transaction, { number: commit.revision.number, cipher }, commit.writes)
    const settings = openSettingRows(transaction, cipher)
    for (const [name, value] of Object.entries(commit.settings ?? {})) {
      await settings.write(name, value)
    }
    if (commit.endSessionsOf.length > 0) {
      const sessions = transaction.deleteFrom('sessions')
      await sessions.where('principal_id', 'in', commit.endSessionsOf).execute()
    }
    await appendAudit(transaction, commit.audit)
    await engine.notify(transaction)
  }
  return engine.transact(write, commit.writes.length > maxSmall).then(
    () => true,
    (error: unknown) => {
      if (error instanceof RevisionConflict) return false
      throw error
    },
  )
}
