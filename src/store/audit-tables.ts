import { sql, type Kysely } from 'kysely'
import { beginning, hashOfLink } from '../lib/hash-chain.ts'
import { auditOf, auditRowOf } from './audit-row.ts'
import type { Database } from './database.ts'

/** Makes the audit log a chain: a place and a hash for every record, its signed end, and signed places along it. Records that are there already become the first links. */
export async function chainAudit(database: Kysely<unknown>): Promise<void> {
  const { schema } = database
  await schema.alterTable('audit').addColumn('sequence', 'bigint').execute()
  await schema
    .alterTable('audit')
    .addColumn('workspace_id', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
  for (const name of ['previous', 'hash']) {
    await schema
      .alterTable('audit')
      .addColumn(name, 'text', (column) => column.notNull().defaultTo(''))
      .execute()
  }
  for (const [table, hasKind] of [
    ['audit_head', false],
    ['audit_checkpoints', true],
  ] as const) {
    const create = schema
      .createTable(table)
      .addColumn(hasKind ? 'kind' : 'id', hasKind ? 'text' : 'integer', (column) =>
        column.notNull(),
      )
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('time', 'bigint', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
    await create
      .addPrimaryKeyConstraint(
        `${table}_primary`,
        hasKind ? ['kind', 'sequence'] : (['id'] as never),
      )
      .execute()
  }
  await chainOldRecords(database as Database)
  await schema.createIndex('audit_sequence').unique().on('audit').column('sequence').execute()
  await schema
    .createIndex('audit_workspace')
    .on('audit')
    .columns(['workspace_id', 'workspace', 'sequence'])
    .execute()
}

async function chainOldRecords(database: Database): Promise<void> {
  const old = database.selectFrom('audit').selectAll().orderBy('time').orderBy('id')
  const workspaces = await sql<{
    id: string
    name: string
  }>`select id, name from workspaces`.execute(database)
  const idOf = new Map(workspaces.rows.map(({ id, name }) => [name, id]))
  let last = { sequence: 0, hash: beginning }
  for (const row of await old.execute()) {
    const { hash: _hash, ...record } = auditOf({
      ...row,
      workspace_id: idOf.get(row.workspace) ?? '',
      sequence: last.sequence + 1,
      previous: last.hash,
    })
    last = { sequence: record.sequence, hash: hashOfLink(record) }
    const chained = auditRowOf({ ...record, hash: last.hash })
    await database.updateTable('audit').set(chained).where('id', '=', row.id).execute()
  }
  const unsigned = { time: 0, key: '', signature: '' }
  await database
    .insertInto('audit_head')
    .values({ id: 1, ...last, ...unsigned })
    .execute()
}

/** Makes the table of when each token was last used. */
export async function createTokenUses(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('token_uses')
    .addColumn('token_id', 'text', (column) =>
      column.primaryKey().references('rbac_tokens.id').onDelete('cascade'),
    )
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .execute()
}
