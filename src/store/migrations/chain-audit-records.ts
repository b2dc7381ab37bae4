import { sql, type Kysely } from 'kysely'
import { beginning, hashOfLink } from '../../lib/hash-chain.ts'

/** The columns of `audit` before the migration 0004-audit-chain. */
type Row = {
  id: string
  time: number
  request_id: string
  principal_id: string | null
  principal_name: string | null
  address: string
  workspace: string
  method: string
  path: string
  action: string
  allowed: number
  because: string
  before: string
  after: string
  status: number
  revision: number | null
}

/**
 * Makes the audit records that are already there the first links of the chain. Does not use `audit-row.ts`: this is
 * part of a released migration and must do the same when the table has more columns.
 */
export async function chainAuditRecords(database: Kysely<unknown>): Promise<void> {
  const { rows: workspaces } = await sql<{
    id: string
    name: string
  }>`select id, name from workspaces`.execute(database)
  const workspaceIds = new Map(workspaces.map(({ id, name }) => [name, id]))
  const { rows } = await sql<Row>`
    select id, time, request_id, principal_id, principal_name, address, workspace, method, path,
      action, allowed, because, "before", "after", status, revision
    from audit order by time, id`.execute(database)
  let last = { sequence: 0, hash: beginning }
  for (const row of rows) {
    const sequence = last.sequence + 1
    const workspaceId = workspaceIds.get(row.workspace) ?? ''
    const previous = last.hash
    const hash = hashOfLink(linkOf(row, { sequence, workspaceId, previous }))
    await sql`update audit set sequence = ${sequence}, workspace_id = ${workspaceId},
      previous = ${previous}, hash = ${hash} where id = ${row.id}`.execute(database)
    last = { sequence, hash }
  }
  await sql`insert into audit_head (id, sequence, hash, time, "key", signature)
    values (1, ${last.sequence}, ${last.hash}, 0, '', '')`.execute(database)
}

type Chaining = {
  readonly sequence: number
  readonly workspaceId: string
  readonly previous: string
}

const linkOf = (row: Row, chaining: Chaining): Record<string, unknown> => ({
  ...chaining,
  id: row.id,
  time: Number(row.time),
  requestId: row.request_id,
  principal:
    row.principal_id === null && row.principal_name === null
      ? null
      : { id: row.principal_id ?? '', name: row.principal_name ?? '' },
  address: row.address,
  workspace: row.workspace,
  method: row.method,
  path: row.path,
  action: row.action,
  allowed: Number(row.allowed) === 1,
  because: row.because,
  before: parsedList(row.before),
  after: parsedList(row.after),
  status: row.status,
  revision: row.revision === null ? null : Number(row.revision),
})

/** A record that was edited manually may hold text that is not JSON; it is hashed as text. */
function parsedList(text: string): unknown[] {
  try {
    return JSON.parse(text) as unknown[]
  } catch {
    return [text]
  }
}
