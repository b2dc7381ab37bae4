import type { Seal } from '../schema/snapshot.ts'
import type { Database } from './database.ts'
import type { Revision } from '../schema/audit-record.ts'
import { repeatStatement } from './repeat-statement.ts'

/** Revisions without their seals, newest first unless `order` is `asc`. */
export const revisionsOf = (database: Database, order: 'asc' | 'desc' = 'desc') =>
  database
    .selectFrom('revisions')
    .select(['number', 'time', 'principal', 'summary', 'message'])
    .orderBy('number', order)

/** The number of the newest revision, 0 when there is none. */
export async function newestRevision(database: Database): Promise<number> {
  const { rows } = await repeatStatement(database, 'newest revision', [], () =>
    database.selectFrom('revisions').select((row) => row.fn.max('number').as('newest')),
  )
  return Number(rows[0]?.newest ?? 0)
}

/** The number of the oldest revision that is newer than a time. Reads the older ones, of which retention leaves few. */
export async function oldestSince(database: Database, time: number): Promise<number | undefined> {
  const query = database.selectFrom('revisions').select('number').where('time', '>', time)
  return (await query.orderBy('number').limit(1).executeTakeFirst())?.number
}

/** The seal of a revision, by default of the newest. */
export async function readSeal(database: Database, revision?: number): Promise<Seal | undefined> {
  const seals = database.selectFrom('revisions').select(['number', 'root', 'signature'])
  const wanted = revision === undefined ? seals : seals.where('number', '=', revision)
  const row = await wanted.orderBy('number', 'desc').limit(1).executeTakeFirst()
  if (row === undefined) return undefined
  return { revision: row.number, root: row.root ?? '', signature: row.signature }
}

/** Inserts a revision; false when its number exists. Waits for a concurrent transaction that inserts the same number. */
export async function insertRevision(
  transaction: Database,
  { revision, seal: { root, signature } }: { revision: Revision; seal: Seal },
): Promise<boolean> {
  const row = { ...revision, root, signature }
  const shape = `insert into revisions ${Object.keys(row).join()}`
  const { rows } = await repeatStatement(transaction, shape, Object.values(row), () =>
    transaction
      .insertInto('revisions')
      .values(row)
      .onConflict((conflict) => conflict.column('number').doNothing())
      .returning('number'),
  )
  return rows.length > 0
}
