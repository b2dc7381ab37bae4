import { PostgresAdapter, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { entities, type Entity } from '../entities/entities.ts'
import { chainAudit, createTokenUses } from './audit-tables.ts'
import {
  addReference,
  createEntityTable,
  createUnique,
  uniqueIndex,
} from './create-entity-table.ts'

/** Steps from an empty database to the present one, in order of name; a step once released never changes. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-begin': {
    async up(database: Kysely<unknown>) {
      for (const name of firstEntities) await createEntityTable(database, asFirst(name))
      await createHistory(database)
      await createAccess(database)
    },
  },
  '0002-changes': {
    async up(database: Kysely<unknown>) {
      await createChanges(database)
    },
  },
  '0003-more-entities': {
    async up(database: Kysely<unknown>) {
      for (const name of moreEntities) await createEntityTable(database, entityNamed(name))
      const plugin = entityNamed('plugin')
      await addReference(database, plugin, 'consumer_group')
      await database.schema.dropIndex(uniqueIndex(asFirst('plugin'), onePerPlace)).execute()
      await createUnique(database, plugin, [...onePerPlace, 'consumer_group'])
    },
  },
  '0004-audit-chain': {
    async up(database: Kysely<unknown>) {
      await chainAudit(database)
      await createTokenUses(database)
    },
  },
  '0005-groups': {
    async up(database: Kysely<unknown>) {
      for (const name of ['group', 'group-role'])
        await createEntityTable(database, entityNamed(name))
    },
  },
  '0006-leases': {
    async up(database: Kysely<unknown>) {
      await database.schema
        .createTable('leases')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('holder', 'text', (column) => column.notNull())
        .addColumn('ends_at', 'bigint', (column) => column.notNull())
        .execute()
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

const moreEntities = [
  'consumer-group',
  'group-member',
  'basic-auth',
  'hmac-auth',
  'jwt',
  'oauth2',
  'mtls-auth',
  'vault',
  'key-set',
  'key',
]

const onePerPlace = ['name', 'service', 'route', 'consumer']

/** An entity with the columns that it had in the first release. */
function asFirst(name: string): Entity {
  const entity = entityNamed(name)
  if (name !== 'plugin') return entity
  return {
    ...entity,
    refersTo: { service: 'service', route: 'route', consumer: 'consumer' },
    unique: ['instance_name', onePerPlace],
  }
}

function entityNamed(name: string): Entity {
  const found = entities.find((entity) => entity.name === name)
  if (found === undefined) throw new TypeError(`no entity '${name}'`)
  return found
}

/** The type of bytes, which every engine calls otherwise. */
const bytesIn = (database: Kysely<unknown>) =>
  database.getExecutor().adapter instanceof PostgresAdapter ? 'bytea' : 'blob'

async function createHistory(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('bodies')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('gzip', bytesIn(database), (column) => column.notNull())
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
