import { sql } from 'kysely'
import type { Engine } from './engine.ts'

/** Work that one process at a time may do, for as long as it says. */
export type LeaseRows = {
  /** Takes or renews a lease; false while somebody else holds it. */
  take(name: string, holder: string, milliseconds: number): Promise<boolean>
  /** Gives it back before its time. */
  giveBack(name: string, holder: string): Promise<void>
}

/** Opens the table of leases, which end by the clock of the database. */
export function openLeaseRows({ database, now }: Pick<Engine, 'database' | 'now'>): LeaseRows {
  return {
    async take(name, holder, milliseconds) {
      const ends = sql<number>`${now} + ${sql.lit(milliseconds)}`
      const taken = await database
        .insertInto('leases')
        .values({ name, holder, ends_at: ends })
        .onConflict((row) =>
          row
            .column('name')
            .doUpdateSet({ holder, ends_at: ends })
            .where((old) =>
              old.or([old('leases.holder', '=', holder), old('leases.ends_at', '<=', now)]),
            ),
        )
        .returning('name')
        .executeTakeFirst()
      return taken !== undefined
    },
    async giveBack(name, holder) {
      const lease = database.deleteFrom('leases').where('name', '=', name)
      await lease.where('holder', '=', holder).execute()
    },
  }
}
