import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { SealedSnapshot } from '../schema/snapshot.ts'
import type { Cipher } from '../lib/cipher.ts'
import type { Database } from './database.ts'
import type { Revision } from './store.ts'

/** Revisions without their bodies, newest first. */
export const revisionsOf = (database: Database) =>
  database
    .selectFrom('revisions')
    .select(['number', 'time', 'principal', 'summary', 'message'])
    .orderBy('number', 'desc')

/** The number of the newest revision, 0 when there is none. */
export async function newestRevision(database: Database): Promise<number> {
  const query = database.selectFrom('revisions').select((row) => row.fn.max('number').as('newest'))
  return Number((await query.executeTakeFirst())?.newest ?? 0)
}

/** The sealed snapshot of a revision, by default the newest. */
export async function readSealed(
  database: Database,
  cipher: Cipher,
  revision?: number,
): Promise<SealedSnapshot | undefined> {
  let query = database
    .selectFrom('revisions')
    .innerJoin('bodies', 'bodies.sha256', 'revisions.body_sha256')
    .select(['revisions.number', 'revisions.signature', 'bodies.gzip', 'bodies.sha256'])
    .orderBy('revisions.number', 'desc')
    .limit(1)
  if (revision !== undefined) query = query.where('revisions.number', '=', revision)
  const row = await query.executeTakeFirst()
  if (row === undefined) return undefined
  const body = gunzipSync(cipher.openBytes(row.gzip, bodyAad(row.sha256))).toString('utf8')
  return { revision: row.number, body, signature: row.signature }
}

/** Inserts a revision; false when its number exists. Waits for a concurrent transaction that inserts the same number. */
export async function insertRevision(
  transaction: Database,
  cipher: Cipher,
  { revision, sealed }: { revision: Revision; sealed: SealedSnapshot },
): Promise<boolean> {
  const sha256 = createHash('sha256').update(sealed.body).digest('hex')
  const known = transaction.selectFrom('bodies').select('sha256').where('sha256', '=', sha256)
  if ((await known.executeTakeFirst()) === undefined) {
    const gzip = cipher.sealBytes(gzipSync(sealed.body, { level: 1 }), bodyAad(sha256))
    const body = transaction.insertInto('bodies').values({ sha256, gzip })
    await body.onConflict((row) => row.column('sha256').doNothing()).execute()
  }
  const inserted = await transaction
    .insertInto('revisions')
    .values({ ...revision, body_sha256: sha256, signature: sealed.signature })
    .onConflict((row) => row.column('number').doNothing())
    .returning('number')
    .executeTakeFirst()
  return inserted !== undefined
}

/** The additional authenticated data of a snapshot body. */
export const bodyAad = (sha256: string): string => `bodies/${sha256}`
