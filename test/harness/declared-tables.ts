import { entities, type Entity } from '../../src/entities/entities.ts'
import { columnOf, tableOf, uniqueColumns } from '../../src/store/entity-table.ts'

/** The DDL of the tables that the entities declare now, in the dialect that SQLite and PostgreSQL share. */
export const declaredTables = (): string[] =>
  entities.flatMap((entity) => [
    createTable(entity),
    ...createUniqueIndexes(entity),
    ...createReferenceIndexes(entity),
  ])

/** Foreign keys are checked at commit, because the writes of a change come in any order. */
function createTable(entity: Entity): string {
  const table = tableOf(entity)
  const references = Object.entries(entity.refersTo)
  const columns = [
    `id text primary key`,
    entity.inWorkspace ? 'workspace_id text not null' : 'workspace_id text',
    ...references.map(
      ([field]) =>
        `"${columnOf(entity, field)}" text${field === entity.belongsTo ? ' not null' : ''}`,
    ),
    ...uniqueColumns(entity).map((column) => `"${column}" text`),
    'tags text',
    'body text not null',
    'created_at bigint not null',
    'updated_at bigint not null',
    ...(entity.inWorkspace ? [foreignKey('workspace_id', 'workspaces', 'no action')] : []),
    ...references.map(([field, name]) => {
      const cascades = field === entity.belongsTo || (entity.cascades ?? []).includes(field)
      return foreignKey(
        columnOf(entity, field),
        tableNamed(name),
        cascades ? 'cascade' : 'no action',
      )
    }),
  ]
  return `create table ${table} (${columns.join(', ')})`
}

const foreignKey = (column: string, parent: string, onDelete: string): string =>
  `foreign key ("${column}") references ${parent} (id) on delete ${onDelete} deferrable initially deferred`

/** In a group of fields null equals null; a single field that is null is not compared. */
const createUniqueIndexes = (entity: Entity): string[] =>
  entity.unique.map((unique) => {
    const columns = [unique].flat().map((field) => columnOf(entity, field))
    const isEverywhere = !entity.inWorkspace || entity.uniqueEverywhere === true
    const compared = columns.map((column) =>
      columns.length === 1 ? `"${column}"` : `coalesce("${column}", '')`,
    )
    const keys = [...(isEverywhere ? [] : ['"workspace_id"']), ...compared].join(', ')
    const name = `${tableOf(entity)}_unique_${columns.join('_')}`
    return `create unique index "${name}" on "${tableOf(entity)}" (${keys})`
  })

/** An index for each reference by which no other index begins. */
function createReferenceIndexes(entity: Entity): string[] {
  const table = tableOf(entity)
  const isLed = entity.unique.length > 0 && entity.uniqueEverywhere !== true
  const columns = [
    ...(entity.inWorkspace && !isLed ? ['workspace_id'] : []),
    ...Object.keys(entity.refersTo).map((field) => columnOf(entity, field)),
  ]
  return columns.map(
    (column) => `create index "${table}_reference_${column}" on "${table}" ("${column}")`,
  )
}

function tableNamed(name: string): string {
  const found = entities.find((entity) => entity.name === name)
  if (found === undefined) throw new TypeError(`no entity '${name}'`)
  return tableOf(found)
}
