import { sql, type Insertable, type Selectable, type SelectQueryBuilder } from 'kysely'
import type {
  AuditCheckpoint,
  AuditFilter,
  ChainPosition,
  AuditWorkspace,
  ChainedRecord,
  CheckpointKind,
  Revision,
} from '../schema/audit-record.ts'
import type { Action } from '../entities/action.ts'
import { runBetweenEvents, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { Database, FixedTables } from './database.ts'
import { revisionsOf } from './revision-rows.ts'
import { repeatStatement } from './repeat-statement.ts'

/** A chained record with the new signed head, and at intervals a checkpoint along the chain. */
export type AuditAppend = {
  readonly record: Omit<ChainedRecord, 'before' | 'after'>
  /** The JSON of each item of its lists, which can be long. */
  readonly lists: { readonly before: readonly string[]; readonly after: readonly string[] }
  readonly head: AuditCheckpoint
  readonly along: AuditCheckpoint | undefined
}

/** Chains a record after the last one. */
export type AppendAudit = (last: ChainPosition) => AuditAppend

/** The checkpoints of the chain. */
export type AuditSigned = {
  readonly base: AuditCheckpoint | undefined
  readonly head: AuditCheckpoint | undefined
  readonly along: readonly AuditCheckpoint[]
}

export type AuditRows = {
  append(append: AppendAudit): Promise<void>
  /** At most `limit` records, newest first unless `oldestFirst`. */
  read(filter: AuditFilter, limit: number, oldestFirst?: boolean): Promise<ChainedRecord[]>
  /** The distinct workspaces of all records. */
  workspaces(): Promise<AuditWorkspace[]>
  signed(): Promise<AuditSigned>
  /** The oldest and the newest revision of the configuration that the store has. */
  revisionEnds(): Promise<{ readonly oldest: Revision; readonly newest: Revision } | undefined>
  /** The revisions with these numbers that the store has. */
  revisions(numbers: readonly number[]): Promise<Revision[]>
  /** Removes the records older than a time, stores the signed checkpoint in their place, and returns their number. */
  prune(before: number, signPruned: (last: ChainPosition) => AuditCheckpoint): Promise<number>
}

export function openAuditRows(database: Database): AuditRows {
  return {
    append: (append) =>
      database.transaction().execute((transaction) => appendAudit(transaction, append)),
    async read(filter, limit, oldestFirst = false) {
      const query = filtered(database.selectFrom('audit').selectAll(), filter)
      const rows = query.orderBy('sequence', oldestFirst ? 'asc' : 'desc').limit(limit)
      return runBetweenEvents(recordsIn(await rows.execute()))
    },
    async workspaces() {
      const query = database.selectFrom('audit').select(['workspace_id', 'workspace']).distinct()
      const rows = await query.execute()
      return rows.map(({ workspace_id: id, workspace: name }) => ({ id, name }))
    },
    signed: () => readSigned(database),
    async revisionEnds() {
      const [newest] = await revisionsOf(database).limit(1).execute()
      const [oldest] = await revisionsOf(database, 'asc').limit(1).execute()
      if (newest === undefined || oldest === undefined) return undefined
      return { oldest: revisionOf(oldest), newest: revisionOf(newest) }
    },
    async revisions(numbers) {
      const rows = await revisionsOf(database).where('number', 'in', numbers).execute()
      return rows.map(revisionOf)
    },
    prune: (before, signPruned) =>
      database.transaction().execute((transaction) => prune(transaction, before, signPruned)),
  }
}

/** Appends a record within a transaction. Concurrent appends wait for the lock on the row of the head, so that the chain has no forks. */
export async function appendAudit(transaction: Database, append: AppendAudit): Promise<void> {
  const { record, lists, head, along } = append(await lockHead(transaction, 1))
  const row = auditRowOf(record, lists)
  const shape = `insert into audit ${Object.keys(row).join()}`
  await repeatStatement(transaction, shape, Object.values(row), () =>
    transaction.insertInto('audit').values(row),
  )
  const { kind: _kind, ...signed } = head
  const set = `set audit_head ${Object.keys(signed).join()}`
  await repeatStatement(transaction, set, [...Object.values(signed), 1], () =>
    transaction.updateTable('audit_head').set(signed).where('id', '=', 1),
  )
  if (along !== undefined) await transaction.insertInto('audit_checkpoints').values(along).execute()
}

/** Locks the row of the head by advancing it, and returns the position before. */
async function lockHead(transaction: Database, step: number): Promise<ChainPosition> {
  const { rows } = await repeatStatement(transaction, 'lock audit_head', [step, 1], () =>
    transaction
      .updateTable('audit_head')
      .set((column) => ({ sequence: column('sequence', '+', step) }))
      .where('id', '=', 1)
      .returning(['sequence', 'hash']),
  )
  const [head] = rows
  if (head === undefined) throw new TypeError('the audit log has no head')
  return { sequence: Number(head.sequence) - step, hash: head.hash }
}

async function readSigned(database: Database): Promise<AuditSigned> {
  const head = await database
    .selectFrom('audit_head')
    .select(['sequence', 'hash', 'time', 'key', 'signature'])
    .executeTakeFirst()
  const rows = await database
    .selectFrom('audit_checkpoints')
    .selectAll()
    .orderBy('sequence')
    .execute()
  const places = rows.map(checkpointOf)
  const isSigned = head !== undefined && head.signature !== ''
  return {
    base: places.find(({ kind }) => kind === 'pruned'),
    head: isSigned ? checkpointOf({ ...head, kind: 'head' }) : undefined,
    along: places.filter(({ kind }) => kind === 'along'),
  }
}

const checkpointOf = (row: FixedTables['audit_checkpoints']): AuditCheckpoint => ({
  ...row,
  kind: row.kind as CheckpointKind,
  sequence: Number(row.sequence),
  time: Number(row.time),
})

async function prune(
  transaction: Database,
  before: number,
  signPruned: (last: ChainPosition) => AuditCheckpoint,
): Promise<number> {
  const head = await lockHead(transaction, 0)
  const kept = await transaction
    .selectFrom('audit')
    .select((column) => column.fn.min('sequence').as('first'))
    .where('time', '>=', before)
    .executeTakeFirst()
  const through =
    kept?.first === null || kept === undefined ? head.sequence : Number(kept.first) - 1
  const last = await transaction
    .selectFrom('audit')
    .select(['sequence', 'hash'])
    .where('sequence', '=', through)
    .executeTakeFirst()
  if (last === undefined) return 0
  const place = { sequence: Number(last.sequence), hash: last.hash }
  const { numDeletedRows } = await transaction
    .deleteFrom('audit')
    .where('sequence', '<=', through)
    .executeTakeFirstOrThrow()
  await transaction.deleteFrom('audit_checkpoints').where('sequence', '<=', through).execute()
  await transaction.insertInto('audit_checkpoints').values(signPruned(place)).execute()
  return Number(numDeletedRows)
}

type Rows = SelectQueryBuilder<FixedTables, 'audit', FixedTables['audit']>

function filtered(rows: Rows, filter: AuditFilter): Rows {
  let query = rows
  const { below, above, from, to, principal, path, workspaces } = filter
  if (below !== undefined) query = query.where('sequence', '<', below)
  if (above !== undefined) query = query.where('sequence', '>', above)
  if (from !== undefined) query = query.where('time', '>=', from)
  if (to !== undefined) query = query.where('time', '<', to)
  if (principal !== undefined) {
    query = query.where((row) =>
      row.or([row('principal_id', '=', principal), row('principal_name', '=', principal)]),
    )
  }
  if (path !== undefined) {
    query = query.where(sql<string>`substr(path, 1, ${path.length})`, '=', path)
  }
  if (workspaces !== undefined) {
    query = query.where((row) =>
      row.or(
        workspaces.map(({ id, name }) =>
          row.and([row('workspace_id', '=', id), row('workspace', '=', name)]),
        ),
      ),
    )
  }
  return withEqual(query, filter)
}

/** Adds the filters that compare one column with one value. */
function withEqual(rows: Rows, filter: AuditFilter): Rows {
  const equal = [
    ['action', filter.action],
    ['allowed', filter.allowed === undefined ? undefined : Number(filter.allowed)],
    ['status', filter.status],
    ['method', filter.method],
    ['request_id', filter.requestId],
    ['revision', filter.revision],
  ] as const
  return equal.reduce(
    (query, [column, value]) => (value === undefined ? query : query.where(column, '=', value)),
    rows,
  )
}

function auditRowOf(
  record: AuditAppend['record'],
  { before, after }: AuditAppend['lists'],
): Insertable<FixedTables['audit']> {
  const { requestId, workspaceId, principal, allowed, revisionHash, ...same } = record
  return {
    ...same,
    request_id: requestId,
    workspace_id: workspaceId,
    principal_id: principal?.id ?? null,
    principal_name: principal?.name ?? null,
    allowed: Number(allowed),
    before: listText(before),
    after: listText(after),
    revision_hash: revisionHash ?? null,
  }
}

type AuditRow = Selectable<FixedTables['audit']>

function* recordsIn(rows: readonly AuditRow[]): CooperativeTask<ChainedRecord[]> {
  const records: ChainedRecord[] = []
  for (const row of rows) {
    yield
    const before = yield* readList(row.before)
    records.push(auditOf(row, { before, after: yield* readList(row.after) }))
  }
  return records
}

/** Some drivers return large integers as text. */
function auditOf(row: AuditRow, lists: Pick<ChainedRecord, 'before' | 'after'>): ChainedRecord {
  const { request_id, principal_id, principal_name, workspace_id, revision_hash, ...rest } = row
  const { time, sequence, allowed, action, revision, ...same } = rest
  // A store that was not migrated yet has no such column; its log is verified too.
  const revisionHash = revision_hash ?? null
  return {
    ...same,
    time: integerIn(time),
    sequence: integerIn(sequence),
    action: action as Action,
    requestId: request_id,
    workspaceId: workspace_id,
    principal: principalIn(principal_id, principal_name),
    allowed: booleanIn(allowed),
    ...lists,
    revision: revision === null ? null : integerIn(revision),
    ...(revisionHash === null ? {} : { revisionHash }),
  }
}

const revisionOf = ({ number, time, ...same }: Revision): Revision => ({
  number: integerIn(number),
  time: integerIn(time),
  ...same,
})

/**
 * Values that this program would not have written are returned unconverted, because a conversion could give the value
 * that was hashed: text as a revision becomes NaN, which is null in JSON.
 */
const integerIn = (value: number | string): number =>
  typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : (value as number)

const booleanIn = (value: number): boolean =>
  value === 1 ? true : value === 0 ? false : (value as unknown as boolean)

/** A manipulated row may have only one of the two, which must not read as null. */
const principalIn = (id: string | null, name: string | null): ChainedRecord['principal'] =>
  id === null && name === null ? null : { id: id ?? '', name: name ?? '' }

/** JSON contains no line break of its own, so that a long list is read item by item. */
const separator = ',\n'

const listText = (items: readonly string[]): string => `[${items.join(separator)}]`

/** A manipulated text may not be JSON, or not as it was written; it is returned as is, and verification reports its hash. */
function* readList(text: string): CooperativeTask<unknown[]> {
  if (text === '[]') return []
  if (!text.startsWith('[') || !text.endsWith(']')) return [text]
  const items: unknown[] = []
  for (let at = 1; at < text.length; yield) {
    const found = text.indexOf(separator, at)
    const end = found < 0 ? text.length - 1 : found
    const item = parseAsWritten(text.slice(at, end))
    // Versions before wrote a list without line breaks.
    if (item === undefined) return (parseAsWritten(text) as unknown[] | undefined) ?? [text]
    items.push(item)
    at = end + separator.length
  }
  return items
}

/** The value of a JSON text that was written by JSON.stringify. */
function parseAsWritten(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}
