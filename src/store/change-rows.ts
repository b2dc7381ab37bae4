import { sql } from 'kysely'
import { entities, toEntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { Cipher } from '../lib/cipher.ts'
import type { Database, FixedTables } from './database.ts'
import { sealedFields } from './entity-table.ts'
import type { ChangeCount, RecordedChange, RevisionSpan, Write } from './store.ts'
import { repeatStatement } from './repeat-statement.ts'

/** Rows in one statement, which SQLite runs on the event loop. */
const batchSize = 100

export async function insertChanges(
  database: Database,
  { number, cipher }: { readonly number: number; readonly cipher: Cipher },
  writes: readonly Write[],
): Promise<void> {
  for (let at = 0; at < writes.length; at += batchSize) {
    const rows = writes
      .slice(at, at + batchSize)
      .map((write) => sealedRow(rowOf(number, write), cipher))
    await insertRows(database, rows)
    if (writes.length > batchSize) await yieldToEventLoop()
  }
}

function insertRows(database: Database, rows: readonly ChangeRow[]): Promise<unknown> {
  const [first] = rows
  const statement = () => database.insertInto('changes').values(rows)
  if (first === undefined || rows.length > 1) return statement().execute()
  const shape = `insert into changes ${Object.keys(first).join()}`
  return repeatStatement(database, shape, Object.values(first), statement)
}

/** Oldest first. */
export async function readChanges(
  database: Database,
  { from, to }: RevisionSpan,
  cipher: Cipher,
): Promise<RecordedChange[]> {
  const rows = await database
    .selectFrom('changes')
    .selectAll()
    .where('number', '>=', from)
    .where('number', '<=', to)
    .orderBy('number')
    .execute()
  return rows.map((row) => {
    const { number: revision, entity, id, before, after } = openedRow(row, cipher)
    return {
      revision,
      entity: toEntityName(entity),
      id,
      before: entryIn(before),
      after: entryIn(after),
    }
  })
}

/** Encrypts changes that are stored in clear. */
export async function sealChanges(database: Database, cipher: Cipher): Promise<void> {
  for (const entity of withSecrets) {
    const rows = database.selectFrom('changes').selectAll().where('entity', '=', entity)
    for (const row of await rows.execute()) {
      const { before, after } = sealedRow(row, cipher)
      await database
        .updateTable('changes')
        .set({ before, after })
        .where('number', '=', row.number)
        .where('entity', '=', entity)
        .where('id', '=', row.id)
        .execute()
    }
  }
}

export async function countChanges(
  database: Database,
  { from, to }: RevisionSpan,
): Promise<ChangeCount[]> {
  const rows = await database
    .selectFrom('changes')
    .select(['number', 'entity', 'workspace_id'])
    .select([
      sql<number>`sum(case when before is null then 1 else 0 end)`.as('created'),
      sql<number>`sum(case when after is null then 1 else 0 end)`.as('deleted'),
      sql<number>`count(*)`.as('touched'),
    ])
    .where('number', '>=', from)
    .where('number', '<=', to)
    .groupBy(['number', 'entity', 'workspace_id'])
    .execute()
  return rows.map(({ number, entity, workspace_id: workspace, ...counts }) => {
    const created = Number(counts.created)
    const deleted = Number(counts.deleted)
    const updated = Number(counts.touched) - created - deleted
    return { revision: number, entity: toEntityName(entity), workspace, created, updated, deleted }
  })
}

type ChangeRow = FixedTables['changes']

const withSecrets: ReadonlySet<string> = new Set(
  entities.filter((entity) => sealedFields(entity).length > 0).map(({ name }) => name),
)

const sealedRow = (row: ChangeRow, cipher: Cipher): ChangeRow =>
  throughCipher(row, (text, place) => cipher.seal(text, place))

const openedRow = (row: ChangeRow, cipher: Cipher): ChangeRow =>
  throughCipher(row, (text, place) => cipher.open(text, place))

function throughCipher(row: ChangeRow, turn: (text: string, place: string) => string): ChangeRow {
  if (!withSecrets.has(row.entity)) return row
  const side = (name: 'before' | 'after'): string | null => {
    const text = row[name]
    return text && turn(text, `changes/${row.number}/${row.entity}/${row.id}/${name}`)
  }
  return { ...row, before: side('before'), after: side('after') }
}

function rowOf(number: number, { entity, id, before, entry }: Write): ChangeRow {
  const textOf = (side: Entry | undefined) => (side === undefined ? null : JSON.stringify(side))
  const workspace = entry?.workspace ?? before?.workspace ?? null
  return {
    number,
    entity,
    id,
    workspace_id: workspace,
    before: textOf(before),
    after: textOf(entry),
  }
}

const entryIn = (text: string | null): Entry | undefined =>
  text === null ? undefined : (JSON.parse(text) as Entry)
