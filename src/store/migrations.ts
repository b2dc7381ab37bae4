import { sql, type CreateTableBuilder, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { entities } from '../schema/entities.ts'
import type { Entity } from '../schema/entity.ts'
import { chainAudit, createTokenUses } from './audit-tables.ts'
import { columnOf, tableOf, uniqueColumns } from './entity-table.ts'

/** Steps from an empty database to the present one, in order of name; a step once released never changes. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-begin': {
    async up(database: Kysely<unknown>) {
      for (const name of firstEntities) await createEntityTable(database, entityNamed(name))
      await createHistory(database)
      await createAccess(database)
    },
  },
  '0002-changes': {
    async up(database: Kysely<unknown>) {
      await createChanges(database)
    },
  },  '0004-audit-chain': {
    async up(database: Kysely<unknown>) {
      await chainAudit(database)
      await createTokenUses(database)
    },
  },
}

/** The entities of the first release; one that comes later gets a step of its own. */
const firstEntities = [
  'workspace',
  'certificate',
  'sni',
  'ca-certificate',
  'service',
  'route',
  'consumer',
  'key-auth',
  'acl',
  'upstream',
  'target',
  'plugin',
  'role',
  'endpoint-permission',
  'entity-permission',
  'principal',
  'grant',
  'token',
]

function entityNamed(name: string): Entity {
  const found = entities.find((entity) => entity.name === name)
  if (found === undefined) throw new TypeError(`no entity '${name}'`)
  return found
}

/** Foreign keys are checked at commit, so that the order of the writes in a change does not matter. */
async function createEntityTable(database: Kysely<unknown>, entity: Entity): Promise<void> {
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
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'integer', (column) => column.notNull())
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

/** In a group of fields null equals null; a single field that is null is not compared. */
async function createUnique(
  database: Kysely<unknown>,
  entity: Entity,
  fields: readonly string[],
): Promise<void> {
  const columns = fields.map((field) => columnOf(entity, field))
  const compared = columns.map((column) =>
    columns.length === 1 ? sql.ref(column) : sql`coalesce(${sql.ref(column)}, '')`,
  )
  await database.schema
    .createIndex(`${tableOf(entity)}_unique_${columns.join('_')}`)
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

async function createHistory(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('bodies')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('gzip', 'blob', (column) => column.notNull())
    .execute()
  await database.schema
    .createTable('revisions')
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('principal', 'text', (column) => column.notNull())
    .addColumn('summary', 'text', (column) => column.notNull())
    .addColumn('body_sha256', 'text', (column) => column.notNull().references('bodies.sha256'))
    .addColumn('signature', 'text', (column) => column.notNull())
    .execute()
  await database.schema
    .createTable('audit')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('principal_id', 'text')
    .addColumn('principal_name', 'text')
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('workspace', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('allowed', 'integer', (column) => column.notNull())
    .addColumn('because', 'text', (column) => column.notNull())
    .addColumn('before', 'text', (column) => column.notNull())
    .addColumn('after', 'text', (column) => column.notNull())
    .addColumn('status', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer')
    .execute()
  await database.schema.createIndex('audit_time').on('audit').column('time').execute()
}

/** What each revision did to each entity, so that any earlier one can be told from the present. */
async function createChanges(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable('revisions').addColumn('message', 'text').execute()
  await database.schema
    .createTable('changes')
    .addColumn('number', 'integer', (column) => column.notNull().references('revisions.number'))
    .addColumn('entity', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('workspace_id', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addPrimaryKeyConstraint('changes_primary', ['number', 'entity', 'id'])
    .execute()
}

async function createAccess(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('settings')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
  await database.schema
    .createTable('sessions')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('principal_id', 'text', (column) =>
      column.notNull().references('rbac_users.id').onDelete('cascade'),
    )
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
}
