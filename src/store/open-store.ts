import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Migrator } from 'kysely/migration'
import { Problem } from '../lib/problem.ts'
import { entities } from '../schema/entities.ts'
import type { Entries, Entry } from '../schema/entry.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'
import { appendAudit, openAuditRows } from './audit-rows.ts'
import { countChanges, insertChanges, readChanges } from './change-rows.ts'
import { entityTables, type Database } from './database.ts'
import { entryOf, rowOf, tableOf } from './entity-table.ts'
import { migrations } from './migrations.ts'
import { openSessionRows } from './session-rows.ts'
import type { Commit, Store, Write } from './store.ts'
import { openTokenUses } from './token-uses.ts'

/** Opens the store on a database of any dialect and brings its tables up to date. */
export async function openStore(database: Database): Promise<Store> {
  await migrate(database)
  return {
    load: async () => ({
      entries: await readEntries(database),
      latest: await readSealed(database),
    }),
    commit: (commit) => keep(database, commit),
    audit: openAuditRows(database),
    tokenUses: openTokenUses(database),
    readRevisions: (limit) => revisionsOf(database).limit(limit).execute(),
    readRevisionSpan: ({ from, to }) =>
      revisionsOf(database).where('number', '>=', from).where('number', '<=', to).execute(),
    readChanges: (span) => readChanges(database, span),
    countChanges: (span) => countChanges(database, span),
    readSealed: (revision) => readSealed(database, revision),
    sessions: openSessionRows(database),
    async readSetting(name) {
      const query = database.selectFrom('settings').select('value').where('name', '=', name)
      return (await query.executeTakeFirst())?.value
    },
    writeSetting: (name, value) => writeSetting(database, name, value),
    close: () => database.destroy(),
  }
}

const revisionsOf = (database: Database) =>
  database
    .selectFrom('revisions')
    .select(['number', 'time', 'principal', 'summary', 'message'])
    .orderBy('number', 'desc')

async function writeSetting(
  database: Database,
  name: string,
  value: string | undefined,
): Promise<void> {
  if (value === undefined) {
    await database.deleteFrom('settings').where('name', '=', name).execute()
  } else {
    const insert = database.insertInto('settings').values({ name, value })
    await insert.onConflict((row) => row.column('name').doUpdateSet({ value })).execute()
  }
}

async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...migrations }) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) {
    throw new Problem(
      'store.migration',
      500,
      'The configuration store could not be brought up to date',
      {
        cause: error,
      },
    )
  }
}

async function readEntries(database: Database): Promise<Entries> {
  const found = new Map<string, Map<string, Entry>>()
  for (const entity of entities) {
    const rows = await entityTables(database).selectFrom(tableOf(entity)).selectAll().execute()
    found.set(entity.name, new Map(rows.map((row) => [String(row['id']), entryOf(entity, row)])))
  }
  return found
}

async function readSealed(
  database: Database,
  revision?: number,
): Promise<SealedSnapshot | undefined> {
  let query = database
    .selectFrom('revisions')
    .innerJoin('bodies', 'bodies.sha256', 'revisions.body_sha256')
    .select(['revisions.number', 'revisions.signature', 'bodies.gzip'])
    .orderBy('revisions.number', 'desc')
    .limit(1)
  if (revision !== undefined) query = query.where('revisions.number', '=', revision)
  const row = await query.executeTakeFirst()
  if (row === undefined) return undefined
  const body = gunzipSync(row.gzip).toString('utf8')
  return { revision: row.number, body, signature: row.signature }
}

async function keep(database: Database, commit: Commit): Promise<void> {
  const { revision, sealed } = commit
  const sha256 = createHash('sha256').update(sealed.body).digest('hex')
  await database.transaction().execute(async (transaction) => {
    for (const write of inSafeOrder(commit.writes)) await apply(transaction, write)
    const known = transaction.selectFrom('bodies').select('sha256').where('sha256', '=', sha256)
    if ((await known.executeTakeFirst()) === undefined) {
      const gzip = gzipSync(sealed.body, { level: 1 })
      await transaction.insertInto('bodies').values({ sha256, gzip }).execute()
    }
    await transaction
      .insertInto('revisions')
      .values({ ...revision, body_sha256: sha256, signature: sealed.signature })
      .execute()
    await insertChanges(transaction, revision.number, commit.writes)
    await appendAudit(transaction, commit.audit)
    for (const [name, value] of Object.entries(commit.settings ?? {})) {
      await writeSetting(transaction, name, value)
    }
    if (commit.endSessionsOf.length > 0) {
      const sessions = transaction.deleteFrom('sessions')
      await sessions.where('principal_id', 'in', commit.endSessionsOf).execute()
    }
  })
}

/** Removals first, so that a name one entity gives up is free for another. */
const inSafeOrder = (writes: readonly Write[]): Write[] => [
  ...writes.filter(({ entry }) => entry === undefined),
  ...writes.filter(({ entry }) => entry !== undefined),
]

async function apply(database: Database, { entity: name, id, entry }: Write): Promise<void> {
  const entity = entities.find((candidate) => candidate.name === name)
  if (entity === undefined) throw new TypeError(`no entity '${name}'`)
  const tables = entityTables(database)
  if (entry === undefined) {
    await tables.deleteFrom(tableOf(entity)).where('id', '=', id).execute()
    return
  }
  const row = rowOf(entity, entry)
  await tables
    .insertInto(tableOf(entity))
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}
