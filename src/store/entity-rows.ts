import { sql } from 'kysely'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { Cipher } from '../lib/cipher.ts'
import { entityTables, type Database } from './database.ts'
import { entryOf, rowOf, tableOf, type EntityRow } from './entity-table.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { Write } from './store.ts'
import { repeatStatement } from './repeat-statement.ts'

/** Rows in one statement. SQLite runs it on the event loop, and takes at most 32,766 parameters; no row has more than twenty. */
const rowsAtOnce = 100

/** Every entity of the configuration. */
export async function readEntries(database: Database, cipher: Cipher): Promise<Entries> {
  const found = new Map<EntityName, RadixMap<Entry>>()
  for (const entity of entities) {
    const rows = await entityTables(database).selectFrom(tableOf(entity)).selectAll().execute()
    const entries = rows.map((row) => entryOf(entity, row, cipher))
    found.set(entity.name, RadixMap.from(entries.map((entry) => [entry.id, entry] as const)))
  }
  return found
}

/** Writes and removes entities. Removals come first, so that their names are free for others. */
export async function writeEntities(
  database: Database,
  writes: readonly Write[],
  cipher: Cipher,
): Promise<void> {
  const byEntity = Map.groupBy(writes, ({ entity }) => entity)
  for (const [name, some] of byEntity) {
    const gone = some.filter(({ entry }) => entry === undefined).map(({ id }) => id)
    for (const ids of inParts(gone)) {
      const rows = entityTables(database).deleteFrom(tableOf(entityNamed(name)))
      await rows.where('id', 'in', ids).execute()
      if (gone.length > rowsAtOnce) await yieldToEventLoop()
    }
  }
  for (const [name, some] of byEntity) {
    const entity: Entity = entityNamed(name)
    const rows = some.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))
    for (const part of inParts(rows)) {
      await put(
        database,
        entity,
        part.map((entry) => rowOf(entity, entry, cipher)),
      )
      if (rows.length > rowsAtOnce) await yieldToEventLoop()
    }
  }
}

async function put(database: Database, entity: Entity, rows: readonly EntityRow[]): Promise<void> {
  const [first = {}] = rows
  const table = tableOf(entity)
  // SQLite takes a column that is set for changed, and then searches every table that refers to it.
  const columns = Object.keys(first).filter((column) => column !== 'id')
  const statement = () => {
    const replaced = columns.map(
      (column) => [column, sql.ref<EntityRow[string]>(`excluded.${column}`)] as const,
    )
    return entityTables(database)
      .insertInto(table)
      .values(rows)
      .onConflict((row) => row.column('id').doUpdateSet(Object.fromEntries(replaced)))
  }
  if (rows.length > 1) await statement().execute()
  else
    await repeatStatement(
      database,
      `put ${table} ${Object.keys(first).join()}`,
      Object.values(first),
      statement,
    )
}

function* inParts<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += rowsAtOnce) yield items.slice(at, at + rowsAtOnce)
}
