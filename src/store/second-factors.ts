import type { Cipher } from '../lib/cipher.ts'
import type { Database, FixedTables } from './database.ts'

/** The authenticator app of a principal. */
export type SecondFactor = {
  readonly secret: string
  /** Hashes of the recovery codes that are left. */
  readonly recovery: readonly string[]
  /** The step of the code that was used last. */
  readonly lastStep: number
  /** Milliseconds since the epoch; undefined while it is being set up. */
  readonly confirmedAt: number | undefined
}

/** Not part of the configuration: no document or revision contains it. */
export type SecondFactors = {
  find(principal: string): Promise<SecondFactor | undefined>
  put(principal: string, factor: SecondFactor): Promise<void>
  /** Marks a step as used; false when it or a later one was used before. */
  useStep(principal: string, step: number): Promise<boolean>
  /** Removes the hash of a recovery code; false when it is not there. */
  useRecovery(principal: string, hash: string): Promise<boolean>
  remove(principal: string): Promise<boolean>
}

const aadOf = (principal: string, column: string): string => `second_factors/${principal}/${column}`

export function openSecondFactors(database: Database, cipher: Cipher): SecondFactors {
  const rowOf = (principal: string): Promise<FixedTables['second_factors'] | undefined> =>
    database
      .selectFrom('second_factors')
      .selectAll()
      .where('principal_id', '=', principal)
      .executeTakeFirst()
  const open = (principal: string, row: FixedTables['second_factors']): SecondFactor => ({
    secret: cipher.open(row.secret, aadOf(principal, 'secret')),
    recovery: JSON.parse(cipher.open(row.recovery, aadOf(principal, 'recovery'))) as string[],
    lastStep: Number(row.last_step),
    confirmedAt: row.confirmed_at === null ? undefined : Number(row.confirmed_at),
  })
  const sealRecovery = (principal: string, recovery: readonly string[]): string =>
    cipher.seal(JSON.stringify(recovery), aadOf(principal, 'recovery'))
  return {
    async find(principal) {
      const row = await rowOf(principal)
      return row && open(principal, row)
    },
    async put(principal, { secret, recovery, lastStep, confirmedAt }) {
      const values = {
        secret: cipher.seal(secret, aadOf(principal, 'secret')),
        recovery: sealRecovery(principal, recovery),
        last_step: lastStep,
        confirmed_at: confirmedAt ?? null,
      }
      await database
        .insertInto('second_factors')
        .values({ principal_id: principal, ...values })
        .onConflict((row) => row.column('principal_id').doUpdateSet(values))
        .execute()
    },
    async useStep(principal, step) {
      const used = await database
        .updateTable('second_factors')
        .set({ last_step: step })
        .where('principal_id', '=', principal)
        .where('last_step', '<', step)
        .returning('principal_id')
        .execute()
      return used.length > 0
    },
    async useRecovery(principal, hash) {
      const row = await rowOf(principal)
      if (row === undefined) return false
      const { recovery } = open(principal, row)
      if (!recovery.includes(hash)) return false
      const rest = recovery.filter((one) => one !== hash)
      // Another request may use the same code at the same time.
      const used = await database
        .updateTable('second_factors')
        .set({ recovery: sealRecovery(principal, rest) })
        .where('principal_id', '=', principal)
        .where('recovery', '=', row.recovery)
        .returning('principal_id')
        .execute()
      return used.length > 0
    },
    async remove(principal) {
      const removed = await database
        .deleteFrom('second_factors')
        .where('principal_id', '=', principal)
        .returning('principal_id')
        .execute()
      return removed.length > 0
    },
  }
}
