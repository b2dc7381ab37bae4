import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { migrations } from '../../src/store/migrations/migrations.ts'
import { runSql } from './run-sql.ts'

/** Directory of stores written by earlier versions; see `npm run freeze-migration`. */
export const fixtures = resolve(import.meta.dirname, '../fixtures/store')

/** Directory of the migrations' DDL. */
export const migrationFiles = resolve(import.meta.dirname, '../../src/store/migrations')

/** The master key of newer fixtures. */
export const fixtureKey = { text: '5a'.repeat(32), name: 'the key of the fixtures' }

/** The names of all migrations in order. */
export const steps: readonly string[] = Object.keys(migrations).toSorted()

/** Restores the fixture of the given migration into a new database. */
export async function restoreFixture(step: string, place: string): Promise<void> {
  if (place.startsWith('postgres:')) {
    await runSql(place, unzip(`${step}.postgres.sql.gz`).toString('utf8'))
  } else {
    writeFileSync(place, unzip(`${step}.db.gz`))
  }
}

const unzip = (name: string): Buffer => gunzipSync(readFileSync(join(fixtures, name)))
