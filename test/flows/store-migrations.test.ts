import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { generateAuditKey } from '../../src/audit/audit-key.ts'
import { chainRecord } from '../../src/audit/chain-record.ts'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { verifyAudit } from '../../src/control/verify-audit.ts'
import { uuidv4 } from '../../src/lib/ids.ts'
import { entities, type Entity } from '../../src/entities/entities.ts'
import type { Entries, Entry } from '../../src/entities/entry.ts'
import { openKeyring } from '../../src/secrets/keyring.ts'
import { readMasterKey } from '../../src/secrets/master-key.ts'
import { openPostgresAudit, openSqliteAudit } from '../../src/store/open-audit-store.ts'
import { sealedFields, tableOf } from '../../src/store/entity-table.ts'
import type { Store, Write } from '../../src/store/store.ts'
import { declaredTables } from '../harness/declared-tables.ts'
import { describeEachStore, openStoreAt } from '../harness/store-engines.ts'
import { runSql } from '../harness/run-sql.ts'
import {
  fixtureKey,
  fixtures,
  migrationFiles,
  restoreFixture,
  steps,
} from '../harness/store-fixtures.ts'

/** The faults of a log whose key is not known. */
const faultsIn = async (rows: Parameters<typeof verifyAudit>[0]) =>
  (await verifyAudit(rows, { keys: [] })).faults.filter(
    ({ kind }) => kind !== 'unsigned' && kind !== 'forged',
  )

const howTo = 'see "How to add a migration" in CONTRIBUTING.md'
const newest = steps.at(-1) ?? ''
const keyring = openKeyring(readMasterKey(fixtureKey, () => undefined))
const auditKey = generateAuditKey()

describe('released migrations', () => {
  test.each(steps)('%s has fixtures', (step) => {
    const missing = [`${step}.db.gz`, `${step}.postgres.sql.gz`].filter(
      (name) => !existsSync(join(fixtures, name)),
    )
    expect(missing, `run: npm run freeze-migration -- ${step}; ${howTo}`).toEqual([])
  })

  test('keep their DDL byte by byte', () => {
    const present = Object.fromEntries(
      readdirSync(migrationFiles)
        .filter((name) => name.endsWith('.sql'))
        .map((name) => [name, sha256(readFileSync(join(migrationFiles, name)))]),
    )
    const text = readFileSync(join(fixtures, 'digests.json'), 'utf8')
    expect(
      present,
      `a released migration was edited, and stores that have run it will not run it again: undo the edit and add another migration; ${howTo}`,
    ).toEqual(JSON.parse(text))
  })
})

describeEachStore(({ fresh }) => {
  test('migrations create the tables, columns and unique indexes that the entities declare', async () => {
    const [migrated, declared] = [await fresh(), await fresh()]
    await (await openStoreAt(migrated)).close()
    await runSql(declared, declaredTables().join(';\n'))
    const [made, wanted] = [await schemaOf(migrated), await schemaOf(declared)]
    const differences = [
      ...wanted.filter((line) => !made.includes(line)).map((line) => `not made: ${line}`),
      ...made.filter((line) => !wanted.includes(line)).map((line) => `not declared: ${line}`),
    ]
    expect(
      differences,
      `the entities declare other tables than the migrations make, so existing stores would fail at the first write: add a migration; ${howTo}`,
    ).toEqual([])
  })

  test('rows that refer to another row are found by an index, for every reference', async () => {
    const place = await fresh()
    await (await openStoreAt(place)).close()
    expect(await searchedReferences(place)).toEqual([])
  })

  describe.each(steps.filter((step) => step >= '0004'))('a store left behind at %s', (step) => {
    test('has an audit log that is verified without a migration', async () => {
      const place = await fresh()
      await restoreFixture(step, place)
      const audit = place.startsWith('postgres:')
        ? await openPostgresAudit(place)
        : openSqliteAudit(place)
      expect(await faultsIn(audit.rows)).toEqual([])
      await audit.close()
    })
  })

  describe.each(steps)('a store left behind at %s', (step) => {
    test('keeps its contents when it is opened', async () => {
      const place = await fresh()
      await restoreFixture(step, place)
      const before = await rowsIn(place)
      const records = await runSql(place, `select id from audit`)
      const store = await openFixture(place, step)
      const { entries } = await store.load()
      for (const entity of entities) {
        const rows = before.get(entity.name) ?? []
        const found = [...(entries.get(entity.name)?.values() ?? [])]
        expect(found.map(({ id }) => id).toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
        for (const { id, fields, createdAt } of rows) {
          const entry = entries.get(entity.name)?.get(id)
          expect(entry).toMatchObject({ createdAt, fields })
          expect(Object.keys(entry?.fields ?? {}).toSorted()).toEqual(fieldsOf(entity))
        }
      }
      const log = await store.audit.read({}, 1_000, true)
      expect(log.map(({ sequence }) => sequence)).toEqual(records.map((_, index) => index + 1))
      expect(await faultsIn(store.audit)).toEqual([])
    })

    test('accepts every write of every entity, and rejects duplicates of unique fields', async () => {
      const place = await fresh()
      await restoreFixture(step, place)
      const store = await openFixture(place, step)
      const samples = await sampleEntries(await fresh())
      const { entries } = await store.load()
      for (const entity of entities) {
        if (samplesIn(entries, entity).length > 0) continue
        await commit(
          store,
          samplesIn(samples, entity).map((entry) => writeOf(entity, undefined, entry)),
        )
      }
      await expectWrites(store)
      expect(await store.newest()).toBeGreaterThan(2 * entities.length)
    })
  })
})

/** Updates, repeats, copies and deletes a sample of every entity. Between the steps the whole store is loaded, which costs more than they do. */
async function expectWrites(store: Store): Promise<void> {
  const { entries } = await store.load()
  // Referring entities come first.
  const twins = entities.toReversed().map((entity: Entity) => {
    const [sample] = samplesIn(entries, entity)
    if (sample === undefined) throw new Error(`no fixture has a sample of '${entity.name}'`)
    const updated = { ...sample, updatedAt: sample.updatedAt + 1 }
    const twin = { ...updated, id: uuidv4() }
    return { entity, sample, updated, twin, other: rename(entity, twin, new Set()) }
  })
  const expectStored = async (
    of: (twin: (typeof twins)[number]) => [string, Entry | undefined],
  ) => {
    const { entries: stored } = await store.load()
    for (const twin of twins) {
      const [id, entry] = of(twin)
      expect(stored.get(twin.entity.name)?.get(id)).toEqual(entry)
    }
  }

  for (const { entity, sample, updated } of twins)
    await commit(store, [writeOf(entity, sample, updated)])
  await expectStored(({ updated }) => [updated.id, updated])

  for (const { entity, updated, twin, other } of twins) {
    // Each copy shares the values of one unique group, and differs in all others.
    for (const unique of entity.unique) {
      const copy = rename(entity, twin, new Set([unique].flat()))
      await expect(commit(store, [writeOf(entity, undefined, copy)])).rejects.toThrow(/unique/i)
    }
    const isOnlyReferences = entity.unique.some((unique) =>
      [unique].flat().every((field) => field in entity.refersTo),
    )
    if (isOnlyReferences) await commit(store, [writeOf(entity, updated, undefined)])
    await commit(store, [writeOf(entity, undefined, other)])
  }
  await expectStored(({ other }) => [other.id, other])

  for (const { entity, other } of twins) await commit(store, [writeOf(entity, other, undefined)])
  await expectStored(({ other }) => [other.id, undefined])
}

/** Changes every unique field except `kept`. */
function rename(entity: Entity, entry: Entry, kept: ReadonlySet<string>): Entry {
  const others = entity.unique
    .flat()
    .filter((field) => !kept.has(field) && !(field in entity.refersTo))
    .map((field) => [field, `${String(entry.fields[field])}-other`])
  return { ...entry, fields: { ...entry.fields, ...Object.fromEntries(others) } }
}

const samplesIn = (entries: Entries, { name }: Entity): readonly Entry[] =>
  [...(entries.get(name)?.values() ?? [])].filter(isSample)

const isSample = ({ id }: Entry): boolean => id.startsWith('5a3b1e00-')

const writeOf = ({ name }: Entity, before: Entry | undefined, entry: Entry | undefined): Write => ({
  entity: name,
  id: (entry ?? before)?.id ?? '',
  before,
  entry,
})

async function commit(store: Store, writes: readonly Write[]): Promise<void> {
  const number = (await store.newest()) + 1
  const id = uuidv4()
  const isKept = await store.commit({
    writes,
    revision: { number, time: 1, principal: 'weir', summary: 'Test', message: null },
    seal: { revision: number, root: 'none', signature: 'none' },
    audit(last) {
      const record = chainRecord(last, { ...emptyRecord, id, revision: number })
      const lists = { before: [], after: [] }
      return { record, lists, head: signCheckpoint(auditKey, 'head', record, 1), along: undefined }
    },
    endSessionsOf: [],
  })
  expect(isKept).toBe(true)
}

const emptyRecord = {
  time: 1,
  requestId: 'r',
  principal: null,
  address: '',
  workspace: 'default',
  workspaceId: '',
  method: 'POST',
  path: '/',
  action: 'create',
  allowed: true,
  because: '',
  before: [],
  after: [],
  status: 200,
} as const

async function openFixture(place: string, step: string): Promise<Store> {
  const store = await openStoreAt(place, step >= '0006' ? { keyring } : {})
  onTestFinished(() => store.close())
  return store
}

/** The newest fixture has a sample of every entity. */
async function sampleEntries(place: string): Promise<Entries> {
  await restoreFixture(newest, place)
  return (await (await openFixture(place, newest)).load()).entries
}

type Row = {
  readonly id: string
  readonly createdAt: number
  readonly fields: Readonly<Record<string, unknown>>
}

/** Reads the entities of a store without the store's code. */
async function rowsIn(place: string): Promise<ReadonlyMap<string, readonly Row[]>> {
  const found = new Map<string, Row[]>()
  for (const entity of entities) {
    const query = runSql(place, `select * from "${tableOf(entity)}"`)
    const rows = await query.catch((error: unknown) => {
      // Added by a later migration.
      if (/no such table|does not exist/.test(String(error))) return []
      throw error
    })
    found.set(
      entity.name,
      rows.map((row) => {
        const body = JSON.parse(String(row['body'])) as Record<string, unknown>
        const readable = Object.entries(body).filter(
          ([field]) => !sealedFields(entity).includes(field),
        )
        const createdAt = Number(row['created_at'])
        return { id: String(row['id']), createdAt, fields: Object.fromEntries(readable) }
      }),
    )
  }
  return found
}

const fieldsOf = ({ fields }: Entity): string[] => Object.keys(fields.shape).toSorted()

/** Columns, foreign keys and unique indexes of entity tables, one per line. */
async function schemaOf(place: string): Promise<string[]> {
  const isPostgres = place.startsWith('postgres:')
  const lines: string[] = []
  for (const table of entities.map(tableOf)) {
    const rows = await runSql(place, isPostgres ? postgresSchema(table) : sqliteSchema(table))
    lines.push(...rows.map(({ line }) => `${table}: ${String(line)}`))
  }
  return lines.toSorted()
}

const sqliteSchema = (table: string): string => `
  select 'column ' || name || ' ' || lower(type) || case when "notnull" then ' not null' else '' end as line
    from pragma_table_info('${table}')
  union all select 'foreign key (' || "from" || ') to ' || "table" || ' on delete ' || lower(on_delete)
    from pragma_foreign_key_list('${table}')
  union all select replace(sql, 'create ', '') from sqlite_schema where type = 'index'
    and tbl_name = '${table}' and sql is not null`

const postgresSchema = (table: string): string => `
  select 'column ' || column_name || ' ' || data_type || case is_nullable when 'NO' then ' not null' else '' end as line
    from information_schema.columns where table_schema = 'public' and table_name = '${table}'
  union all select pg_get_constraintdef(oid) from pg_constraint
    where conrelid = 'public.${table}'::regclass and contype in ('f', 'p')
  union all select indexdef from pg_indexes where schemaname = 'public' and tablename = '${table}'`

/** The foreign keys whose rows can be found by reading their whole table only. */
async function searchedReferences(place: string): Promise<string[]> {
  if (place.startsWith('postgres:')) {
    const rows = await runSql(
      place,
      `select conrelid::regclass || '.' || attname as name from pg_constraint
        join pg_attribute on attrelid = conrelid and attnum = conkey[1]
        where contype = 'f' and connamespace = 'public'::regnamespace and not exists
          (select 1 from pg_index where indrelid = conrelid and indkey[0] = conkey[1])`,
    )
    return rows.map(({ name }) => String(name))
  }
  const references = await runSql(
    place,
    `select t.name as child, f."from" as field from sqlite_schema t, pragma_foreign_key_list(t.name) f`,
  )
  const searched: string[] = []
  for (const { child, field } of references) {
    const plan = await runSql(
      place,
      `explain query plan delete from "${String(child)}" where "${String(field)}" = 'x'`,
    )
    if (plan.some(({ detail }) => String(detail).startsWith('SCAN')))
      searched.push(`${String(child)}.${String(field)}`)
  }
  return searched
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
