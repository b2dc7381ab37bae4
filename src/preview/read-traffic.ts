import type { RowRule } from '../access/row-rule.ts'
import { toPredicate } from '../access/to-predicate.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Row, Statement, Warehouse } from '../warehouse/open-warehouse.ts'
import { pathDepth, type PathDepth } from './path-depth.ts'
import type { TrafficBucket, TrafficGroup } from './traffic-group.ts'

/** Which events are replayed: those of a window that the asker may see, callers only where they may know them. */
export type TrafficScope = {
  readonly warehouse: Pick<Warehouse, 'query'>
  readonly rows: RowRule
  readonly callers: RowRule
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** What is to be told apart: paths as far as one of these looks. */
  readonly snapshots: readonly Snapshot[]
}

/** Groups beyond so many are not replayed, the smallest first. */
const mostGroups = 200_000
const mostBuckets = 2_000_000

const limits = { max_execution_time: 60, max_memory_usage: 4_000_000_000 } as const

/** The requests of a window in groups, the largest first, and how many there are in all. */
export async function readGroups(
  scope: TrafficScope,
): Promise<{ readonly groups: readonly TrafficGroup[]; readonly requests: number }> {
  const { sql, params } = scanOf(scope)
  const [rows, [total]] = await Promise.all([
    scope.warehouse.query({
      sql: `SELECT hex(key) AS group_key, ${told.map((name) => `any(${name}) AS group_${name}`).join(', ')},
        count() AS requests,
        argMax((path, toString(request_id), toUnixTimestamp64Milli(time)), time) AS example
      FROM ${sql} GROUP BY key ORDER BY requests DESC LIMIT ${mostGroups}`,
      params,
      settings: limits,
    }),
    scope.warehouse.query({
      sql: `SELECT count() AS requests FROM ${sql}`,
      params,
      settings: limits,
    }),
  ])
  return { groups: rows.map(groupOf), requests: Number(total?.['requests'] ?? 0) }
}

/** How many requests of some groups came in each span of time, and from where. */
export async function readBuckets(
  scope: TrafficScope,
  {
    keys,
    spanMs,
    byAddress,
  }: { readonly keys: readonly string[]; readonly spanMs: number; readonly byAddress: boolean },
): Promise<readonly TrafficBucket[]> {
  const { sql, params } = scanOf(scope)
  // Parameters travel in the URL to a server, which takes no long ones.
  const isFew = keys.length <= 200
  const address = byAddress ? 'shown_client_address' : `''`
  const statement: Statement = {
    sql: `SELECT hex(key) AS group_key, address, groupArray(span) AS spans, groupArray(hits) AS counts
      FROM (
        SELECT key, ${address} AS address,
          intDiv(toUnixTimestamp64Milli(time), {spanMs:Int64}) AS span, count() AS hits
        FROM ${sql} ${isFew ? 'WHERE hex(key) IN {keys:Array(String)}' : ''}
        GROUP BY key, address, span LIMIT ${mostBuckets}
      ) GROUP BY key, address`,
    params: { ...params, ...(isFew ? { keys } : {}), spanMs },
    settings: limits,
  }
  return (await scope.warehouse.query(statement)).flatMap((row) => {
    const spans = row['spans'] as readonly number[]
    const counts = row['counts'] as readonly number[]
    return spans.map((span, index) => ({
      key: String(row['group_key']),
      address: String(row['address']),
      span,
      requests: counts[index] ?? 0,
    }))
  })
}

/** The rows that the asker may see, with nothing in them that they may not know, and the key of the group that each belongs to. */
function scanOf(scope: TrafficScope): Omit<Statement, 'settings'> & { readonly params: object } {
  const rows = toPredicate(scope.rows, 'row')
  const callers = toPredicate(scope.callers, 'caller')
  const depth = depthSql(pathDepth(scope.snapshots))
  // Under names of their own: an alias would take the place of the column in the conditions beside it.
  const shown = callerColumns.map(
    (column) => `if(${callers.sql}, ${column}, '') AS shown_${column}`,
  )
  const sql = `(
    SELECT *, cityHash64(${plain.join(', ')}, depth, shown_consumer, shown_credential, hidden) AS key
    FROM (
      SELECT time, request_id, path, ${[...plain, ...names].join(', ')}, ${depth.sql} AS depth,
        ${shown.join(', ')}, consumer != '' AND NOT (${callers.sql}) AS hidden
      FROM requests
      WHERE ${rows.sql} AND scheme IN ('http', 'https')
        AND time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})
    )
  )`
  const [from, to] = [Math.floor(scope.from), Math.ceil(scope.to)]
  return { sql, params: { ...rows.params, ...callers.params, ...depth.params, from, to } }
}

const plain = [
  'method',
  'scheme',
  'host',
  'route',
  'workspace',
  'auth_method',
  'outcome',
  'denied_by',
  'reason',
  'status',
] as const
const names = ['workspace_name', 'route_name', 'service_name'] as const
const callerColumns = ['consumer', 'consumer_name', 'credential', 'client_address'] as const
/** What a group is told by. */
const told = [
  ...plain,
  ...names,
  'depth',
  'hidden',
  'shown_consumer',
  'shown_consumer_name',
  'shown_credential',
] as const

/** Of a path only what a route could look at; a path that is not in its one spelling stays whole. */
function depthSql({ longest, whole }: PathDepth): Statement {
  if (whole === undefined) return { sql: 'path' }
  const isOdd = `position(path, '%') > 0 OR position(path, '//') > 0 OR position(path, '/.') > 0`
  const isWhole = `arrayExists(start -> startsWith(path, start), {whole:Array(String)})`
  const condition = whole.length === 0 ? isOdd : `${isOdd} OR ${isWhole}`
  return {
    sql: `if(${condition}, path, substring(path, 1, {longest:UInt32}))`,
    params: { longest, ...(whole.length === 0 ? {} : { whole }) },
  }
}

function groupOf(row: Row): TrafficGroup {
  const text = (name: 'key' | (typeof told)[number]): string => String(row[`group_${name}`])
  const [path, requestId, time] = row['example'] as readonly [string, string, number]
  return {
    key: text('key'),
    method: text('method'),
    scheme: text('scheme') === 'https' ? 'https' : 'http',
    host: text('host'),
    path: text('depth'),
    route: text('route'),
    workspace: text('workspace'),
    workspaceName: text('workspace_name'),
    routeName: text('route_name'),
    serviceName: text('service_name'),
    consumer: text('shown_consumer'),
    consumerName: text('shown_consumer_name'),
    isHidden: text('hidden') === '1',
    authMethod: text('auth_method'),
    credential: text('shown_credential'),
    outcome: text('outcome'),
    deniedBy: text('denied_by'),
    reason: text('reason'),
    status: Number(text('status')),
    requests: Number(row['requests']),
    example: { path, requestId, time },
  }
}
