import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { migrations } from '../../src/store/migrations/migrations.ts'
import { runSql } from './run-sql.ts'

/** Where the stores that earlier versions left behind are kept; `npm run freeze-migration` writes them. */
export const fixtures = resolve(import.meta.dirname, '../fixtures/store')

/** Where the DDL of the migrations is. */
export const migrationFiles = resolve(import.meta.dirname, '../../src/store/migrations')

/** The key by which the secrets of newer fixtures are sealed. */
export const fixtureKey = { text: '5a'.repeat(32), name: 'the key of the fixtures' }

/** The names of all migrations, the first first. */
export const steps: readonly string[] = Object.keys(migrations).toSorted()

/** Restores the store that a version left behind whose newest migration was the given one, at a fresh place. */
export async function restoreFixture(step: string, place: string): Promise<void> {
  if (place.startsWith('postgres:')) {
    await runSql(place, unzip(`${step}.postgres.sql.gz`).toString('utf8'))
  } else {
    writeFileSync(place, unzip(`${step}.db.gz`))
  }
}

const unzip = (name: string): Buffer => gunzipSync(readFileSync(join(fixtures, name)))
