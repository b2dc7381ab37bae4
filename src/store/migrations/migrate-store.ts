import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { Engine } from '../engine.ts'
import { migrations } from './migrations.ts'

/** Runs the pending migrations after a backup. Refuses a store with unknown migrations. */
export async function migrateStore(engine: Engine, log: Log | undefined): Promise<void> {
  const done = await stepsDone(engine)
  const unknown = done.filter((step) => !Object.hasOwn(migrations, step))
  if (unknown.length > 0) {
    const message = `The configuration store ${engine.location} belongs to a newer version of Weir: it has unknown migrations ${unknown.join(', ')}`
    throw new Problem('store.newer', 500, message)
  }
  const steps = Object.keys(migrations).filter((step) => !done.includes(step))
  if (steps.length === 0) return
  const backup = done.length === 0 ? undefined : await engine.backUp()
  const migrator = new Migrator({
    db: engine.database,
    provider: { getMigrations: async () => ({ ...migrations }) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) {
    const asBefore = backup === undefined ? '' : `; it is unchanged, and a copy is in ${backup}`
    const message = `The configuration store ${engine.location} could not be migrated${asBefore}: ${(error as Error).message}`
    throw new Problem('store.migration', 500, message, { cause: error })
  }
  if (backup !== undefined) log?.info('store: migrated', { steps, backup })
}

async function stepsDone({ database }: Engine): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database)
  return rows.map(({ name }) => name)
}
