import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/store/open-postgres-store.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'
import type { StoreOptions } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { postgresPrograms, startPostgres, type TestPostgres } from './start-postgres.ts'

/** Fresh and empty places for stores of one engine. */
export type StorePlaces = {
  readonly engine: 'SQLite' | 'PostgreSQL'
  readonly fresh: () => Promise<string>
  /** Of PostgreSQL: breaks all connections. */
  readonly restart: () => Promise<void>
  /** Of PostgreSQL: ends it until the next restart. */
  readonly halt: () => Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'weir-stores-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const chosen = { places: sqlitePlaces() }

/** A fresh place of the engine that this test file runs on: SQLite, unless it runs once more on PostgreSQL. */
export const freshPlace = (): Promise<string> => chosen.places.fresh()

/** Opens the store at a place. */
export const openStoreAt = (place: string, options?: StoreOptions): Promise<Store> =>
  place.startsWith('postgres:')
    ? openPostgresStore(place, folder, options)
    : openSqliteStore(place, options)

/** Runs tests on each engine; those on PostgreSQL are skipped where it is not installed. */
export function eachStore(tests: (places: StorePlaces) => void): void {
  describe('on SQLite', () => {
    tests(sqlitePlaces())
  })
  describe('on PostgreSQL', () => {
    onPostgres(tests)
  })
}

/** Runs the tests of other files once more, on PostgreSQL. */
export async function againOnPostgres(files: readonly (() => Promise<unknown>)[]): Promise<void> {
  let imports = Promise.resolve<unknown>(undefined)
  onPostgres((places) => {
    chosen.places = places
    for (const file of files) imports = imports.then(file)
  })
  await imports
}

/** Runs tests on a PostgreSQL server that starts with the first place that is wanted. */
export function onPostgres(tests: (places: StorePlaces) => void): void {
  const programs = postgresPrograms()
  if (programs === undefined) return standInFor()
  let starting: Promise<TestPostgres> | undefined
  afterAll(async () => (await starting)?.stop())
  tests({
    engine: 'PostgreSQL',
    async fresh() {
      starting ??= startPostgres(programs)
      return (await starting).database()
    },
    restart: async () => (await starting)?.restart(),
    halt: async () => (await starting)?.halt(),
  })
}

/** One skipped test says why the others are not there. */
function standInFor(): void {
  test('runs on PostgreSQL', ({ skip }) => {
    skip('PostgreSQL is not installed')
    expect(postgresPrograms()).toBeDefined()
  })
}

function sqlitePlaces(): StorePlaces {
  let count = 0
  return {
    engine: 'SQLite',
    fresh: async () => join(folder, `${process.pid}-${(count += 1)}-${Math.random()}.db`),
    restart: async () => undefined,
    halt: async () => undefined,
  }
}
