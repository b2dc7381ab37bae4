import { systemPrincipal } from '../../src/control/permit.ts'
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import type { Configuration } from '../../src/control/configuration.ts'
import type { Operation } from '../../src/entities/operation.ts'
import type { Log } from '../../src/lib/log.ts'
import type { EntityName } from '../../src/entities/entities.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openKeyring } from '../../src/secrets/keyring.ts'
import { readMasterKey } from '../../src/secrets/master-key.ts'
import type { StoreOptions } from '../../src/store/open-store.ts'
import { verifyRoot } from '../../src/snapshot/seal-snapshot.ts'
import { describeEachStore, openStoreAt } from '../harness/store-engines.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { everythingIn, rowsIn, runSql } from '../harness/run-sql.ts'

const workspace = defaultWorkspace.id
const lastMigration = '0012-sign-in'

describeEachStore(({ fresh }) => {
  test('encrypts secrets in every table, and decrypts them after a restart', async () => {
    const place = await fresh()
    const keyring = aKeyring()
    const { secrets, entries } = await fill(place, { keyring })
    const rests = await everythingIn(place)
    for (const secret of secrets) expect(rests).not.toContain(secret)
    expect(rests).toContain('orders.example')
    const store = await openStoreAt(place, { keyring })
    onTestFinished(() => store.close())
    const loaded = await store.load()
    expect(loaded.entries).toEqual(entries)
    const [certificate] = loaded.entries.get('certificate')?.values() ?? []
    expect(certificate?.fields['key']).toContain('PRIVATE KEY')
    const changes = await store.readChanges({ from: 1, to: 1_000 })
    const kept = changes.filter(({ entity }) => entity === 'key-auth')
    expect(kept.map(({ after }) => after)).toEqual([...(entries.get('key-auth')?.values() ?? [])])
  })

  test('the database refuses equal API keys although they are encrypted', async () => {
    const place = await fresh()
    await fill(place, { keyring: aKeyring() })
    const [row] = await runSql(place, `select * from key_auths`)
    const columns = Object.keys(row ?? {}).map((name) => (name === 'id' ? `'other'` : `"${name}"`))
    const copy = `insert into key_auths select ${columns.join(', ')} from key_auths`
    await expect(runSql(place, copy)).rejects.toThrow(/unique/i)
  })

  test('encrypts a store in clear at the first start with a key, after a backup', async () => {
    const place = await fresh()
    const { secrets, entries } = await fill(place, {})
    expect(await everythingIn(place)).toContain(secrets[0])
    const said: Record<string, unknown>[] = []
    const keyring = aKeyring()
    const store = await openStoreAt(place, { keyring, log: logInto(said) })
    const loaded = await store.load()
    await store.close()
    expect(loaded.entries).toEqual(entries)
    const rests = await everythingIn(place)
    for (const secret of secrets) expect(rests).not.toContain(secret)
    const [backup] = said.flatMap((fields) => fields['backup'] ?? []) as string[]
    expect(statSync(backup ?? '').mode & 0o777).toBe(0o600)
    expect(readFileSync(backup ?? '', 'latin1')).toContain(secrets[0])
    const file = place.startsWith('postgres:') ? '' : readFileSync(place, 'latin1')
    expect(file).not.toContain(secrets[0])
    const again = await openStoreAt(place, { keyring })
    onTestFinished(() => again.close())
    expect(await again.load()).toEqual(loaded)
  })

  test('refuses to open with another key or none, and leaves the store unchanged', async () => {
    const place = await fresh()
    const keyring = aKeyring()
    const { entries } = await fill(place, { keyring })
    await expect(openStoreAt(place, { keyring: aKeyring() })).rejects.toThrow(
      /KEY .* is not the one/,
    )
    await expect(openStoreAt(place)).rejects.toThrow('can only be opened with its key')
    const store = await openStoreAt(place, { keyring })
    onTestFinished(() => store.close())
    expect((await store.load()).entries).toEqual(entries)
  })

  test('does not decrypt a ciphertext that was moved to another row', async () => {
    const place = await fresh()
    const keyring = aKeyring()
    await fill(place, { keyring })
    await runSql(place, `update key_auths set id = '00000000-0000-4000-8000-000000000000'`)
    const store = await openStoreAt(place, { keyring })
    onTestFinished(() => store.close())
    await expect(store.load()).rejects.toThrow(/key_auths\/0{8}.*key cannot be decrypted/)
  })

  test('refuses a store of a newer version and names the migration', async () => {
    const place = await fresh()
    await fill(place, {})
    await runSql(place, `insert into kysely_migration values ('9999-later', '2100-01-01')`)
    await expect(openStoreAt(place)).rejects.toThrow(/newer version of Weir.*9999-later/)
  })

  test('backs up and migrates a store of an older version', async () => {
    const place = await fresh()
    const { entries } = await fill(place, {})
    await undoLastMigration(place)
    const said: Record<string, unknown>[] = []
    const store = await openStoreAt(place, { log: logInto(said) })
    onTestFinished(() => store.close())
    expect((await store.load()).entries).toEqual(entries)
    expect(said[0]?.['steps']).toEqual([lastMigration])
    await expectCopy(String(said[0]?.['backup']), await fresh(), entries)
  })

  test('a failed migration leaves the store unchanged', async () => {
    const place = await fresh()
    const { entries } = await fill(place, {})
    // The tables exist already, so the step fails.
    await runSql(place, `delete from kysely_migration where name = '${lastMigration}'`)
    await expect(openStoreAt(place)).rejects.toThrow(/could not be migrated; .* a copy is in/)
    await runSql(place, `insert into kysely_migration values ('${lastMigration}', '2026-01-01')`)
    const store = await openStoreAt(place)
    onTestFinished(() => store.close())
    expect((await store.load()).entries).toEqual(entries)
  })

  test('a change adds a revision, its change and an audit record, regardless of the size of the store', async () => {
    const place = await fresh()
    const configuration = await openAt(place, {})
    onTestFinished(() => configuration.close())
    const many = Array.from({ length: 1_000 }, (_, n) =>
      create('service', { name: `s${n}`, host: 'h' }),
    )
    const body = { host: 'other' }
    const update = { kind: 'update', entity: 'service', workspace, at: 's7', body } as const
    await change(configuration, ...many)
    const textsIn = async () =>
      (await rowsIn(place)).map(({ table, values }) => [table, ...values].join(' '))
    const before = new Set(await textsIn())
    await change(configuration, update)
    const added = (await textsIn()).filter((row) => !before.has(row))
    const tables = added.map((row) => row.split(' ', 1)[0])
    expect(new Set(tables)).toEqual(
      new Set(['audit', 'audit_head', 'changes', 'revisions', 'services']),
    )
    expect(tables).toHaveLength(5)
    expect(added.join('').length).toBeLessThan(8_000)
  })

  test('seals a new revision at the start when another version sealed the last one', async () => {
    const place = await fresh()
    const first = await openAt(place, {})
    await change(first, create('service', { name: 's', host: 'h' }))
    const { revision } = first.current()
    await first.close()
    await (await openAt(place, {})).close()
    await runSql(place, `update revisions set root = 'another' where number = ${revision}`)
    const again = await openAt(place, {})
    onTestFinished(() => again.close())
    const { snapshot, seal } = again.current()
    expect(seal.revision).toBe(revision + 1)
    expect(() => verifyRoot(snapshot, seal, again.publicKeyPem)).not.toThrow()
    expect(await again.readChanges({ from: revision + 1, to: revision + 1 })).toEqual([])
  })

  test('stores names of every length and with every character', async () => {
    const place = await fresh()
    const names = ['\0', '\ud800', '\udfff', 'ü'.repeat(5_000), `${'ü'.repeat(4_999)}u`, "'; --"]
    const configuration = await openAt(place, {})
    for (const username of names) await change(configuration, create('consumer', { username }))
    await configuration.close()
    const store = await openStoreAt(place)
    onTestFinished(() => store.close())
    const kept = [...((await store.load()).entries.get('consumer')?.values() ?? [])]
    expect(new Set(kept.map(({ fields }) => fields['username']))).toEqual(new Set(names))
  })

  test('encrypts settings, overwrites and deletes them', async () => {
    const place = await fresh()
    const store = await openStoreAt(place, { keyring: aKeyring() })
    onTestFinished(() => store.close())
    expect(await store.getOrInsertSetting('one', 'first-value-of-one')).toBe('first-value-of-one')
    expect(await store.getOrInsertSetting('one', 'second-value')).toBe('first-value-of-one')
    await store.writeSetting('one', 'third-value-of-one')
    expect(await store.readSetting('one')).toBe('third-value-of-one')
    const rows = await runSql(place, `select value from settings where name = 'one'`)
    expect(rows).toHaveLength(1)
    expect(String(rows[0]?.['value'])).not.toContain('value-of-one')
    await store.writeSetting('one', undefined)
    expect(await store.readSetting('one')).toBeUndefined()
  })

  test('reads the revisions and changes of a span, both ends included', async () => {
    const configuration = await openAt(await fresh(), {})
    onTestFinished(() => configuration.close())
    const first = configuration.current().revision + 1
    for (const name of ['a', 'b', 'c', 'd'])
      await change(configuration, create('service', { name, host: 'h' }))
    const span = { from: first + 1, to: first + 2 }
    const revisions = await configuration.readRevisionSpan(span)
    expect(revisions.map(({ number }) => number)).toEqual([span.to, span.from])
    const changes = await configuration.readChanges(span)
    expect(changes.map(({ after }) => after?.fields['name'])).toEqual(['b', 'c'])
    const counts = await configuration.countChanges(span)
    expect(counts.map(({ revision, created }) => [revision, created])).toEqual([
      [span.from, 1],
      [span.to, 1],
    ])
  })

  test('a lease has one holder until it is released or expires', async () => {
    const store = await openStoreAt(await fresh())
    onTestFinished(() => store.close())
    const { leases } = store
    expect(await leases.acquire('work', 'a', 60_000)).toBe(true)
    expect(await leases.acquire('work', 'a', 60_000)).toBe(true)
    expect(await leases.acquire('work', 'b', 60_000)).toBe(false)
    expect(await leases.acquire('other', 'b', 0)).toBe(true)
    expect(await leases.acquire('other', 'a', 60_000)).toBe(true)
    await leases.release('work', 'b')
    expect(await leases.acquire('work', 'b', 60_000)).toBe(false)
    await leases.release('work', 'a')
    expect(await leases.acquire('work', 'b', 60_000)).toBe(true)
  })
})

/** Makes a store what it was before the last migration, which only adds tables. */
async function undoLastMigration(place: string): Promise<void> {
  const dialect = place.startsWith('postgres:') ? 'postgres' : 'sqlite'
  const file = `../../src/store/migrations/${lastMigration}.${dialect}.sql`
  const ddl = readFileSync(new URL(file, import.meta.url), 'utf8')
  const tables = [...ddl.matchAll(/create table ("[^"]+")/g)].map(([, table]) => table)
  const columns = [...ddl.matchAll(/alter table ("[^"]+") add column ("[^"]+")/g)]
  const altered = new Set(columns.map(([, table]) => table))
  for (const [, index, table] of ddl.matchAll(/index ("[^"]+") on ("[^"]+")/g))
    if (altered.has(table)) await runSql(place, `drop index ${index}`)
  for (const [, table, column] of columns)
    await runSql(place, `alter table ${table} drop column ${column}`)
  for (const table of tables.toReversed()) await runSql(place, `drop table ${table}`)
  await runSql(place, `delete from kysely_migration where name = '${lastMigration}'`)
}

/** Reads a copied store: a SQLite file, or SQL loaded into a database. */
async function expectCopy(backup: string, place: string, entries: unknown): Promise<void> {
  const isSql = backup.endsWith('.sql')
  if (isSql) {
    await (await openStoreAt(place)).close()
    await undoLastMigration(place)
    await runSql(place, readFileSync(backup, 'utf8'))
  }
  const store = await openStoreAt(isSql ? place : backup)
  onTestFinished(() => store.close())
  expect((await store.load()).entries).toEqual(entries)
}

const aKeyring = () =>
  openKeyring(
    readMasterKey({ text: randomBytes(32).toString('hex'), name: 'KEY' }, () => undefined),
  )

const logInto = (said: Record<string, unknown>[]): Log => {
  const say = (_message: string, fields = {}): void => void said.push(fields)
  return { info: say, warn: say, error: say }
}

const openAt = async (place: string, options: StoreOptions): Promise<Configuration> =>
  openConfiguration({
    store: await openStoreAt(place, options),
    catalog: [{ name: 'plain', about: '', settings: z.strictObject({ password: z.string() }) }],
    compile: () => undefined,
  })

/** Stores one of each kind of secret; returns them with all entries. */
async function fill(place: string, options: StoreOptions) {
  const configuration = await openAt(place, options)
  const { cert, key } = await makeAuthority('test')
  const [apiKey, password] = ['api-key-0123456789', 'plugin-password-0123456789']
  await change(configuration, create('service', { name: 's', host: 'orders.example' }))
  await change(configuration, create('consumer', { username: 'c' }))
  await change(configuration, create('key-auth', { key: apiKey, consumer: { username: 'c' } }))
  await change(configuration, create('certificate', { cert, key }))
  await change(configuration, create('plugin', { name: 'plain', config: { password } }))
  const { joinSecret } = configuration
  await configuration.close()
  const store = await openStoreAt(place, options)
  const { entries } = await store.load()
  await store.close()
  const secrets = [apiKey, password, key.split('\n')[1] ?? '', joinSecret, 'PRIVATE KEY']
  return { secrets, entries }
}

const create = (entity: EntityName, body: Record<string, unknown>): Operation => ({
  kind: 'create',
  entity,
  workspace,
  body,
})

const change = (configuration: Configuration, ...operations: readonly Operation[]) =>
  configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations,
  })
