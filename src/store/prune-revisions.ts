import { sql } from 'kysely'
import type { Database } from './database.ts'
import { readRaw, writeRaw } from './setting-rows.ts'

/** The setting that holds the newest pruned revision; it is stored in clear. */
export const prunedSetting = 'pruned_revision'

/** Rows that one transaction deletes, so that a change waits for a few milliseconds at most. */
const batchSize = 500

/** The newest revision that was pruned, 0 when none was. */
export const prunedThrough = async (database: Database): Promise<number> =>
  Number((await readRaw(database, prunedSetting)) ?? 0)

/** Deletes a part of the revisions up to a number and of their changes; false once none is left. */
export const pruneRevisions = (database: Database, through: number): Promise<boolean> =>
  database.transaction().execute(async (transaction) => {
    // Written before anything is deleted: a revision of many changes is deleted in several parts.
    if ((await prunedThrough(transaction)) < through)
      await writeRaw(transaction, prunedSetting, String(through))
    const oldest = await transaction
      .selectFrom('changes')
      .select(['number', 'entity', 'id'])
      .where('number', '<=', through)
      .orderBy('number')
      .orderBy('entity')
      .orderBy('id')
      .limit(batchSize)
      .execute()
    const last = oldest.at(-1)
    if (last !== undefined) {
      const { number, entity, id } = last
      await transaction
        .deleteFrom('changes')
        .where(sql<boolean>`("number", entity, id) <= (${number}, ${entity}, ${id})`)
        .execute()
    }
    // The changes of a revision refer to it.
    const end = oldest.length < batchSize ? through : Number(last?.number ?? 0) - 1
    const revisions = transaction
      .selectFrom('revisions')
      .select('number')
      .where('number', '<=', end)
      .orderBy('number')
      .limit(batchSize)
    const { numDeletedRows } = await transaction
      .deleteFrom('revisions')
      .where('number', 'in', revisions)
      .executeTakeFirstOrThrow()
    return oldest.length === batchSize || Number(numDeletedRows) === batchSize
  })
