import { sql, type Insertable } from 'kysely'
import type { Entry } from '../schema/entry.ts'
import type { Database, FixedTables } from './database.ts'
import type { ChangeCount, KeptChange, RevisionSpan, Write } from './store.ts'

/** Rows in one statement; a statement takes at most 32,766 parameters, and a row has six. */
const rowsAtOnce = 1000

/** Keeps what a revision did. */
export async function insertChanges(
  database: Database,
  number: number,
  writes: readonly Write[],
): Promise<void> {
  for (let at = 0; at < writes.length; at += rowsAtOnce) {
    const rows = writes.slice(at, at + rowsAtOnce).map((write) => rowOf(number, write))
    await database.insertInto('changes').values(rows).execute()
  }
}

/** What the revisions of a span did, oldest first. */
export async function readChanges(
  database: Database,
  { from, to }: RevisionSpan,
): Promise<KeptChange[]> {
  const rows = await database
    .selectFrom('changes')
    .selectAll()
    .where('number', '>=', from)
    .where('number', '<=', to)
    .orderBy('number')
    .execute()
  return rows.map(({ number, entity, id, before, after }) => ({
    revision: number,
    entity,
    id,
    before: entryIn(before),
    after: entryIn(after),
  }))
}

/** How much the revisions of a span did to entities of each kind and workspace. */
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
    return { revision: number, entity, workspace, created, updated, deleted }
  })
}

function rowOf(
  number: number,
  { entity, id, before, entry }: Write,
): Insertable<FixedTables['changes']> {
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
