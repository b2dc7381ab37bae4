import { unidentified } from '../../control/permit.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Rights } from '../../access/rights.ts'
import type { AuditChain, AuditRecordSummary, AuditPage, Touch } from '../../schema/audit-answer.ts'
import type { AuditFilter, AuditWorkspace, ChainedRecord } from '../../schema/audit-record.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { readAuditQuery } from './audit-query.ts'
import { shownRecord } from './shown-record.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** `/audit` covers every workspace whose log the principal may read, `/{workspace}/audit` one. Chain and verification cover the whole log and require the default workspace. */
export const auditRoutes: readonly AdminRoute[] = [
  listRoute('/audit', async (context) => readPage(context, presentLine), true),
  listRoute('/audit/requests', async (context) => readPage(context, presentKongRequest), true),
  listRoute('/audit/objects', async (context) => readObjects(context), true),
  listRoute('/audit/records/:sequence', async (context) => readOne(context), true),
  wholeLogRoute('/audit/chain', async (context) => describeChain(context)),
  wholeLogRoute('/audit/verify', async ({ configuration }) => ({
    ...(await configuration.audit.verify()),
    time: configuration.clock.now(),
  })),
]

function listRoute(
  path: string,
  answer: (context: RequestContext) => Promise<unknown>,
  isFiltered = false,
): AdminRoute {
  return {
    path,
    isFiltered,
    locate: (context) => locateAt(path, context),
    methods: { GET: answer },
  }
}

/** Permission for routes about the whole log is decided in the default workspace. */
function wholeLogRoute(
  path: string,
  answer: (context: RequestContext) => Promise<unknown>,
): AdminRoute {
  return {
    ...listRoute(path, answer),
    locate: (context) => ({
      check: { ask: { workspace: defaultWorkspace, path, action: context.action } },
      isLost: context.workspaceRef.id === '',
    }),
  }
}

function requireRights({ configuration, principal }: RequestContext): Rights {
  const rights = configuration.rightsOf(principal)
  if (rights === undefined) throw unidentified()
  return rights
}

/** Newest first; without a workspace, records of every workspace that the principal may read. */
async function readRecords(context: RequestContext): Promise<{
  readonly records: readonly ChainedRecord[]
  readonly size: number
  readonly filter: AuditFilter
}> {
  const { configuration, request, refusal } = context
  const { filter, size, workspace } = readAuditQuery(request.query)
  const named = context.params['workspace'] ?? workspace
  const workspaces = named === undefined ? {} : { workspaces: findWorkspaces(context, named) }
  const fullFilter: AuditFilter = { ...filter, ...workspaces }
  const records = await configuration.audit.readFor(requireRights(context), fullFilter, size + 1)
  if (records === undefined && refusal !== undefined) throw refusal
  const reader = configuration.readerFor(context.principal)
  return { records: (records ?? []).map((record) => shownRecord(record, reader)), size, filter }
}

/** Records keep the workspace name of their time, so an existing workspace is matched by id. */
function findWorkspaces(
  { configuration, workspaceRef }: RequestContext,
  named: string,
): readonly AuditWorkspace[] {
  if (workspaceRef.name === named) return [workspaceRef]
  const found = configuration.find({ entity: 'workspace', workspace: null, at: named })
  return found === undefined
    ? [{ id: '', name: named }]
    : [{ id: found.id, name: found.fields.name }]
}

async function readPage(
  context: RequestContext,
  present: (record: ChainedRecord) => unknown,
): Promise<Omit<AuditPage, 'data'> & { readonly data: readonly unknown[] }> {
  const { records, size, filter } = await readRecords(context)
  const page = records.slice(0, size)
  const last = page.at(-1)
  // A filter by path matches the path as shown, not the full one.
  const data = page.filter(({ path }) => path.startsWith(filter.path ?? '')).map(present)
  if (records.length <= size || last === undefined) return { data, next: null }
  const offset = String(last.sequence)
  const { pathname, searchParams } = new URL(context.request.url, 'http://localhost')
  searchParams.set('offset', offset)
  return { data, next: `${pathname}?${searchParams.toString()}`, offset }
}

async function readOne(context: RequestContext): Promise<ChainedRecord> {
  const { configuration, params, refusal } = context
  const sequence = /^\d{1,15}$/.test(params['sequence'] ?? '') ? Number(params['sequence']) : 0
  const one = { above: sequence - 1, below: sequence + 1 }
  const [record] = (await configuration.audit.readFor(requireRights(context), one, 1)) ?? []
  if (record === undefined) throw refusal ?? notFound()
  const named = params['workspace']
  if (named !== undefined && record.workspace !== named) throw notFound()
  return shownRecord(record, configuration.readerFor(context.principal))
}

async function describeChain({ configuration }: RequestContext): Promise<AuditChain> {
  const { head, base, along } = await configuration.audit.signed()
  const { publicKeyPem } = configuration.audit
  return { head: head ?? null, base: base ?? null, along, public_key: publicKeyPem }
}

const maxTouches = 20

function presentLine({ before, after, ...record }: ChainedRecord): AuditRecordSummary {
  const touches = listTouches(before, after)
  return { ...record, touched: touches.length, touches: touches.slice(0, maxTouches) }
}

type Side = { readonly [field: string]: unknown }

function listTouches(before: readonly unknown[], after: readonly unknown[]): Touch[] {
  const was = new Map((before as readonly Side[]).map((side) => [side['id'], side]))
  const is = new Map((after as readonly Side[]).map((side) => [side['id'], side]))
  return [...new Set([...was.keys(), ...is.keys()])].map((id) => {
    const side = is.get(id) ?? was.get(id) ?? {}
    const name = side['name'] ?? side['username'] ?? side['target'] ?? null
    return {
      entity: String(side['entity']),
      id: String(id),
      name: typeof name === 'string' ? name : null,
      did: !was.has(id) ? 'created' : is.has(id) ? 'updated' : 'deleted',
    }
  })
}

const toSeconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

const presentKongRequest = (record: ChainedRecord): unknown => ({
  request_id: record.requestId,
  request_timestamp: toSeconds(record.time),
  client_ip: record.address,
  method: record.method,
  path:
    record.workspace === defaultWorkspace.name ? record.path : `/${record.workspace}${record.path}`,
  payload: null,
  removed_from_payload: null,
  status: record.status,
  rbac_user_id: record.principal?.id ?? null,
  rbac_user_name: record.principal?.name ?? null,
  request_source: null,
  workspace: record.workspaceId === '' ? null : record.workspaceId,
  signature: record.hash,
  ttl: null,
})

/** Kong's `/audit/objects`: one row per changed entity. */
async function readObjects(context: RequestContext): Promise<unknown> {
  const { data, ...page } = await readPage(context, (record) =>
    listTouches(record.before, record.after).map(({ entity, id, did }) => ({
      id: `${record.id}/${id}`,
      request_id: record.requestId,
      request_timestamp: toSeconds(record.time),
      entity_key: id,
      dao_name: entity,
      operation: did.slice(0, -1),
      entity: JSON.stringify(findSide(record.after, id) ?? findSide(record.before, id)),
      rbac_user_id: record.principal?.id ?? null,
      signature: record.hash,
      ttl: null,
    })),
  )
  return { data: data.flat(), ...page }
}

const findSide = (sides: readonly unknown[], id: string): unknown =>
  (sides as readonly Side[]).find((side) => side['id'] === id)
