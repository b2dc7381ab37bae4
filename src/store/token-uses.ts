import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Time and address of the last use of a token. */
export type TokenUse = { readonly time: number; readonly address: string }

/** Not part of the configuration: the use of a token makes no revision. */
export type TokenUses = {
  put(token: string, use: TokenUse): Promise<void>
  find(tokens: readonly string[]): Promise<ReadonlyMap<string, TokenUse>>
}

export function openTokenUses(database: Database): TokenUses {
  return {
    async put(token, { time, address }) {
      // Inserts nothing when the token has been deleted meanwhile.
      await sql`insert into token_uses (token_id, time, address)
        select id, cast(${time} as bigint), ${address} from rbac_tokens where id = ${token}
        on conflict (token_id) do update set time = excluded.time, address = excluded.address`.execute(
        database,
      )
    },
    async find(tokens) {
      if (tokens.length === 0) return new Map()
      const query = database.selectFrom('token_uses').selectAll().where('token_id', 'in', tokens)
      const rows = await query.execute()
      return new Map(
        rows.map(({ token_id: id, time, address }) => [id, { time: Number(time), address }]),
      )
    },
  }
}
