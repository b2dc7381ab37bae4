import type { Database } from './database.ts'
import type { SessionRows } from '../schema/session-rows.ts'

export function openSessionRows(database: Database): SessionRows {
  return {
    async put({ sha256, principal, expiresAt }) {
      await database
        .insertInto('sessions')
        .values({ sha256, principal_id: principal, expires_at: expiresAt })
        .onConflict((row) => row.column('sha256').doUpdateSet({ expires_at: expiresAt }))
        .execute()
    },
    async find(sha256) {
      const query = database.selectFrom('sessions').selectAll().where('sha256', '=', sha256)
      const row = await query.executeTakeFirst()
      if (row === undefined) return undefined
      return { sha256, principal: row.principal_id, expiresAt: Number(row.expires_at) }
    },
    async remove(sha256) {
      await database.deleteFrom('sessions').where('sha256', '=', sha256).execute()
    },
    async removeOf(principal) {
      await database.deleteFrom('sessions').where('principal_id', '=', principal).execute()
    },
    async removeExpired(now) {
      await database.deleteFrom('sessions').where('expires_at', '<=', now).execute()
    },
  }
}
