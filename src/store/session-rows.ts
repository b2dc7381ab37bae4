import type { Selectable } from 'kysely'
import type { SessionRows, StoredSession } from '../schema/session-rows.ts'
import type { Database, FixedTables } from './database.ts'

export function openSessionRows(database: Database): SessionRows {
  return {
    async put(session) {
      await database
        .insertInto('sessions')
        .values(toRow(session))
        .onConflict((row) => row.column('sha256').doUpdateSet({ expires_at: session.expiresAt }))
        .execute()
    },
    async find(sha256) {
      const query = database.selectFrom('sessions').selectAll().where('sha256', '=', sha256)
      const row = await query.executeTakeFirst()
      return row && fromRow(row)
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
    async listOf(principal) {
      const query = database.selectFrom('sessions').selectAll()
      const rows = await query
        .where('principal_id', '=', principal)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map(fromRow)
    },
    async removeById(principal, id) {
      const removed = await database
        .deleteFrom('sessions')
        .where('principal_id', '=', principal)
        .where('id', '=', id)
        .returning('id')
        .execute()
      return removed.length > 0
    },
    async removeOfProvider(of) {
      const removing = database.deleteFrom('sessions').returningAll()
      const rows = await (
        'sid' in of
          ? removing.where('sid', '=', of.sid)
          : removing.where('identity_id', '=', of.identity)
      ).execute()
      return rows.map(fromRow)
    },
  }
}

const toRow = (session: StoredSession): FixedTables['sessions'] => ({
  sha256: session.sha256,
  id: session.id,
  principal_id: session.principal,
  expires_at: session.expiresAt,
  created_at: session.createdAt ?? null,
  address: session.address,
  user_agent: session.userAgent,
  identity_id: session.identity ?? null,
  sid: session.sid ?? null,
})

const fromRow = (row: Selectable<FixedTables['sessions']>): StoredSession => ({
  sha256: row.sha256,
  id: row.id,
  principal: row.principal_id,
  expiresAt: Number(row.expires_at),
  createdAt: row.created_at === null ? undefined : Number(row.created_at),
  address: row.address,
  userAgent: row.user_agent,
  identity: row.identity_id ?? undefined,
  sid: row.sid ?? undefined,
})
