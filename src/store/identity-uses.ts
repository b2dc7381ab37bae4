import { sql } from 'kysely'
import type { Database } from './database.ts'

/** When an identity last signed in and from where, and when the provider issued the claims that were applied; in milliseconds. */
export type IdentityUse = {
  readonly time: number
  readonly address: string
  readonly claimsAt: number
}

/** Not part of the configuration: signing in makes no revision. */
export type IdentityUses = {
  /** `claimsAt` never decreases. */
  put(identity: string, use: IdentityUse): Promise<void>
  find(identities: readonly string[]): Promise<ReadonlyMap<string, IdentityUse>>
}

export function openIdentityUses(database: Database): IdentityUses {
  return {
    async put(identity, { time, address, claimsAt }) {
      // Inserts nothing when the identity has been deleted meanwhile.
      await sql`insert into identity_uses (identity_id, time, address, claims_at)
        select id, cast(${time} as bigint), ${address}, cast(${claimsAt} as bigint)
        from rbac_identities where id = ${identity}
        on conflict (identity_id) do update set time = excluded.time, address = excluded.address,
          claims_at = case when identity_uses.claims_at > excluded.claims_at
            then identity_uses.claims_at else excluded.claims_at end`.execute(database)
    },
    async find(identities) {
      if (identities.length === 0) return new Map()
      const query = database.selectFrom('identity_uses').selectAll()
      const rows = await query.where('identity_id', 'in', identities).execute()
      return new Map(
        rows.map((row) => [
          row.identity_id,
          { time: Number(row.time), address: row.address, claimsAt: Number(row.claims_at) },
        ]),
      )
    },
  }
}
