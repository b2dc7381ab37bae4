import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, TestRunner } from 'vitest'
import { openPostgresStore } from '../../src/store/open-postgres-store.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'
import type { StoreOptions } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { reuseDatabases } from './reuse-databases.ts'
import { postgresPrograms, startPostgres, type TestPostgres } from './start-postgres.ts'

/** Creates databases of one engine. */
export type StoreEngine = {
  readonly engine: 'SQLite' | 'PostgreSQL'
  readonly fresh: () => Promise<string>
  /** PostgreSQL only: restarts the server, which breaks all connections. */
  readonly restart: () => Promise<void>
  /** PostgreSQL only: stops the server until the next restart. */
  readonly halt: () => Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'weir-stores-'))
const current = { engine: sqliteEngine() }

/** The file or URL of a new database. SQLite, except in a run of `rerunOnPostgres`. */
export const freshDatabase = (): Promise<string> => current.engine.fresh()

/** Opens the store in a SQLite file or at a PostgreSQL URL. */
export const openStoreAt = (place: string, options?: StoreOptions): Promise<Store> =>
  place.startsWith('postgres:')
    ? openPostgresStore(place, folder, options)
    : openSqliteStore(place, options)

/** Runs tests on each engine; skips PostgreSQL where it is not installed. */
export function describeEachStore(tests: (engine: StoreEngine) => void): void {
  describe('on SQLite', () => {
    tests(sqliteEngine())
  })
  describe('on PostgreSQL', () => {
    onPostgres(tests)
  })
}

/** Runs the tests of other files again, on PostgreSQL. */
export async function rerunOnPostgres(files: readonly (() => Promise<unknown>)[]): Promise<void> {
  let imports = Promise.resolve<unknown>(undefined)
  onPostgres((engine) => {
    current.engine = { ...engine, fresh: reuseDatabases(engine.fresh, folder) }
    for (const file of files) imports = imports.then(file)
  })
  await imports
}

/** Runs tests on a PostgreSQL server, which starts with the first database. */
export function onPostgres(tests: (engine: StoreEngine) => void): void {
  const programs = postgresPrograms()
  if (programs === undefined) return skipPostgres()
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

/** Reports the missing tests as one skipped test. */
function skipPostgres(): void {
  test('runs on PostgreSQL', ({ skip }) => {
    skip('PostgreSQL is not installed')
    expect(postgresPrograms()).toBeDefined()
  })
}

function sqliteEngine(): StoreEngine {
  return {
    engine: 'SQLite',
    async fresh() {
      const directory = mkdtempSync(join(folder, 'store-'))
      // Outside a test, the store is used until the end of the file.
      if (TestRunner.getCurrentTest() !== undefined)
        onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
      return join(directory, 'weir.db')
    },
    restart: async () => undefined,
    halt: async () => undefined,
  }
}
