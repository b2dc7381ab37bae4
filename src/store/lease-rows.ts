import { sql } from 'kysely'
import type { Engine } from './engine.ts'

/** Leases for work that only one process at a time may do. */
export type LeaseRows = {
  /** Acquires or renews a lease; false while another holder has it. */
  acquire(name: string, holder: string, milliseconds: number): Promise<boolean>
  /** Ends a lease early. */
  release(name: string, holder: string): Promise<void>
}

/** Leases expire by the clock of the database, which all processes share. */
export function openLeaseRows({ database, now }: Pick<Engine, 'database' | 'now'>): LeaseRows {
  return {
    async acquire(name, holder, milliseconds) {
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
    async release(name, holder) {
      const lease = database.deleteFrom('leases').where('name', '=', name)
      await lease.where('holder', '=', holder).execute()
    },
  }
}
