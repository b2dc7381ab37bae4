import { sql, type CreateTableBuilder, type Kysely } from 'kysely'
import { entityNamed, type Entity } from '../entities/entities.ts'
import { columnOf, tableOf, uniqueColumns } from './entity-table.ts'

/** Creates the table of an entity. Foreign keys are checked at commit, so that the order of the writes in a change does not matter. */
export async function createEntityTable(database: Kysely<unknown>, entity: Entity): Promise<void> {
  const table = tableOf(entity)
  let create: CreateTableBuilder<string, string> = database.schema
    .createTable(table)
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => (entity.inWorkspace ? column.notNull() : column))
  for (const field of Object.keys(entity.refersTo)) {
    create = create.addColumn(columnOf(entity, field), 'text', (column) =>
      field === entity.belongsTo ? column.notNull() : column,
    )
  }
  for (const field of uniqueColumns(entity)) create = create.addColumn(field, 'text')
  create = create
    .addColumn('tags', 'text')
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
  if (entity.inWorkspace) create = refer(create, table, ['workspace_id', 'workspaces', false])
  for (const [field, name] of Object.entries(entity.refersTo)) {
    const cascades = field === entity.belongsTo || (entity.cascades ?? []).includes(field)
    create = refer(create, table, [columnOf(entity, field), tableOf(entityNamed(name)), cascades])
  }
  await create.execute()
  for (const unique of entity.unique) await createUnique(database, entity, [unique].flat())
}

function refer(
  create: CreateTableBuilder<string, string>,
  table: string,
  [column, parent, cascades]: readonly [string, string, boolean],
): CreateTableBuilder<string, string> {
  return create.addForeignKeyConstraint(
    `${table}_${column}`,
    [column],
    parent,
    ['id'],
    (constraint) =>
      constraint
        .onDelete(cascades ? 'cascade' : 'no action')
        .deferrable()
        .initiallyDeferred(),
  )
}

/** Adds the column of a reference that an entity did not have before. */
export async function addReference(
  database: Kysely<unknown>,
  entity: Entity,
  field: string,
): Promise<void> {
  const cascades = (entity.cascades ?? []).includes(field)
  const target = entity.refersTo[field]
  if (target === undefined) throw new TypeError(`${entity.name} has no reference ${field}`)
  const parent = tableOf(entityNamed(target))
  await database.schema
    .alterTable(tableOf(entity))
    .addColumn(columnOf(entity, field), 'text', (column) =>
      column
        .references(`${parent}.id`)
        .onDelete(cascades ? 'cascade' : 'no action')
        .modifyEnd(sql`deferrable initially deferred`),
    )
    .execute()
}

/** The name of the index that keeps fields of an entity unique. */
export const uniqueIndex = (entity: Entity, fields: readonly string[]): string =>
  `${tableOf(entity)}_unique_${fields.map((field) => columnOf(entity, field)).join('_')}`

/** Keeps fields of an entity unique. In a group of fields null equals null; a single field that is null is not compared. */
export async function createUnique(
  database: Kysely<unknown>,
  entity: Entity,
  fields: readonly string[],
): Promise<void> {
  const columns = fields.map((field) => columnOf(entity, field))
  const compared = columns.map((column) =>
    columns.length === 1 ? sql.ref(column) : sql`coalesce(${sql.ref(column)}, '')`,
  )
  await database.schema
    .createIndex(uniqueIndex(entity, fields))
    .unique()
    .on(tableOf(entity))
    .expression(
      sql.join([
        ...(entity.inWorkspace && entity.uniqueEverywhere !== true
          ? [sql.ref('workspace_id')]
          : []),
        ...compared,
      ]),
    )
    .execute()
}
