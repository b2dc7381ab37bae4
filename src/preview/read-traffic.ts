import type { RowRule } from '../access/row-rule.ts'
import { toPredicate } from '../access/to-predicate.ts'
import { isOfStreams, parseRouteExpression } from '../entities/route-expression.ts'
import { linearRegex } from '../lib/linear-regex.ts'
import { normalizePattern } from '../lib/normalize-path.ts'
import { boundsOf, httpBounds } from '../schema/expression-bounds.ts'
import type { Snapshot, SnapshotItem } from '../schema/snapshot.ts'
import type { Row, Statement, Warehouse } from '../warehouse/open-warehouse.ts'
import type { TrafficBucket, TrafficGroup } from './traffic-group.ts'

/** The recorded requests to replay. */
export type TrafficScope = {
  readonly warehouse: Pick<Warehouse, 'query'>
  /** The rows that the principal sees. */
  readonly rows: RowRule
  /** The rows in which the principal sees the caller. */
  readonly callers: RowRule
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** Paths differ only as far as one of these inspects them. */
  readonly snapshots: readonly Snapshot[]
}

/** The largest groups are replayed. */
const maxGroups = 200_000
const maxBuckets = 2_000_000

const limits = { max_execution_time: 60, max_memory_usage: 4_000_000_000 } as const

/** Groups of equal requests, the largest first, and the total number of requests. */
export async function readGroups(
  scope: TrafficScope,
): Promise<{ readonly groups: readonly TrafficGroup[]; readonly requests: number }> {
  const { sql, params } = scanOf(scope)
  const [rows, [total]] = await Promise.all([
    scope.warehouse.query({
      sql: `SELECT hex(key) AS group_key, ${groupColumns.map((name) => `any(${name}) AS group_${name}`).join(', ')},
        count() AS requests,
        argMax((path, replaceAll(toString(request_id), '-', ''), toUnixTimestamp64Milli(time)), time) AS example
      FROM ${sql} GROUP BY key ORDER BY requests DESC LIMIT ${maxGroups}`,
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

/** The number of requests of some groups per time span and client address. */
export async function readBuckets(
  scope: TrafficScope,
  keys: readonly string[],
  spanMs: number,
  byAddress: boolean,
): Promise<readonly TrafficBucket[]> {
  const { sql, params } = scanOf(scope)
  // Parameters are sent to a server in the URL, which is limited in length.
  const isFew = keys.length <= 200
  const address = byAddress ? 'shown_client_address' : `''`
  const statement: Statement = {
    sql: `SELECT hex(key) AS group_key, address, groupArray(span) AS spans, groupArray(hits) AS counts
      FROM (
        SELECT key, ${address} AS address,
          intDiv(toUnixTimestamp64Milli(time), {spanMs:Int64}) AS span, count() AS hits
        FROM ${sql} ${isFew ? 'WHERE hex(key) IN {keys:Array(String)}' : ''}
        GROUP BY key, address, span LIMIT ${maxBuckets}
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

/** The rows that the principal sees, with callers masked where they may not see them, and the group key of each row. */
function scanOf(scope: TrafficScope): Omit<Statement, 'settings'> & { readonly params: object } {
  const rows = toPredicate(scope.rows, 'row')
  const callers = toPredicate(scope.callers, 'caller')
  const depth = depthSql(pathDepth(scope.snapshots))
  // The aliases differ from the columns: an alias would replace the column in the other conditions of the SELECT.
  const shown = identityColumns.map(
    (column) => `if(${callers.sql}, ${column}, '') AS shown_${column}`,
  )
  const sql = `(
    SELECT *, cityHash64(${plainColumns.join(', ')}, depth, shown_consumer, shown_credential, hidden) AS key
    FROM (
      SELECT time, request_id, path, ${[...plainColumns, ...nameColumns].join(', ')}, ${depth.sql} AS depth,
        ${shown.join(', ')}, consumer != '' AND NOT (${callers.sql}) AS hidden
      FROM requests
      WHERE ${rows.sql} AND scheme IN ('http', 'https')
        AND time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})
    )
  )`
  const [from, to] = [Math.floor(scope.from), Math.ceil(scope.to)]
  return { sql, params: { ...rows.params, ...callers.params, ...depth.params, from, to } }
}

export const plainColumns = [
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
export const nameColumns = ['workspace_name', 'route_name', 'service_name'] as const
export const identityColumns = [
  'consumer',
  'consumer_name',
  'credential',
  'client_address',
] as const
/** The columns of a group. */
const groupColumns = [
  ...plainColumns,
  ...nameColumns,
  'depth',
  'hidden',
  'shown_consumer',
  'shown_consumer_name',
  'shown_credential',
] as const

/** The part of a path that a route can look at. Paths that are not normalized are kept whole. */
function depthSql({ longest, expressionPrefixes: whole }: PathDepth): Statement {
  if (whole === undefined) return { sql: 'path' }
  const isNotNormalized = `position(path, '%') > 0 OR position(path, '//') > 0 OR position(path, '/.') > 0`
  const isWhole = `arrayExists(prefix -> startsWith(path, prefix), {whole:Array(String)})`
  const condition = whole.length === 0 ? isNotNormalized : `${isNotNormalized} OR ${isWhole}`
  return {
    sql: `if(${condition}, path, substring(path, 1, {longest:UInt32}))`,
    params: { longest, ...(whole.length === 0 ? {} : { whole }) },
  }
}

function groupOf(row: Row): TrafficGroup {
  const text = (name: 'key' | (typeof groupColumns)[number]): string => String(row[`group_${name}`])
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

/** The part of a path that the routes of a snapshot can match. */
type PathDepth = {
  /** Length of the longest plain prefix. */
  readonly longest: number
  /** Literal prefixes of regular expressions and route expressions, which match whole paths; undefined when there are too many to list. */
  readonly expressionPrefixes: readonly string[] | undefined
}

const maxExpressions = 64

/** Paths that differ only beyond this depth are routed alike by all of the snapshots. */
function pathDepth(snapshots: readonly Snapshot[]): PathDepth {
  const patterns = new Set(
    snapshots.flatMap(({ routes }) => [...routes.values()].flatMap(({ paths }) => paths ?? [])),
  )
  const expressions = [...patterns].filter((pattern) => pattern.startsWith('~'))
  const plain = [...patterns].filter((pattern) => !pattern.startsWith('~'))
  const longest = Math.max(1, ...plain.map((pattern) => normalizePattern(pattern).length))
  const whole = new Set(snapshots.flatMap(routesWithExpressions))
  if (expressions.length + whole.size > maxExpressions)
    return { longest, expressionPrefixes: undefined }
  const prefixes = expressions.map(
    (pattern) => linearRegex(pattern.slice(1), { anchored: true, name: pattern }).literal,
  )
  const starts = [...whole].flatMap(({ expression, protocols }) =>
    boundsOf(parseRouteExpression(expression ?? '', protocols), httpBounds).map(
      ({ place }) => place,
    ),
  )
  const all = new Set([...prefixes, ...starts])
  return { longest, expressionPrefixes: all.size > maxExpressions ? undefined : [...all] }
}

const routesWithExpressions = ({ routes }: Snapshot): readonly SnapshotItem<'routes'>[] =>
  [...routes.values()].filter(
    (route) => typeof route.expression === 'string' && !isOfStreams(route),
  )
