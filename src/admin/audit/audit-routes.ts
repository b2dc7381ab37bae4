import { unidentified } from '../../control/permit.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Rights } from '../../access/rights.ts'
import type { AuditChain, AuditLine, AuditPage, Touch } from '../../schema/audit-answer.ts'
import type { AuditFilter, AuditWorkspace, ChainedRecord } from '../../schema/audit-record.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { readAuditQuery } from './audit-query.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** The audit log: of every workspace whose log the principal may read at `/audit`, of one workspace under it; the proof of the whole log is asked in the default workspace. */
export const auditRoutes: readonly AdminRoute[] = [
  get('/audit', async (asked) => readPage(asked, lineOf), true),
  get('/audit/requests', async (asked) => readPage(asked, kongRequestOf), true),
  get('/audit/objects', async (asked) => readObjects(asked), true),
  get('/audit/records/:sequence', async (asked) => readOne(asked), true),
  ofWhole('/audit/chain', async (asked) => describeChain(asked)),
  ofWhole('/audit/verify', async ({ configuration }) => ({
    ...(await configuration.audit.verify()),
    time: configuration.clock.now(),
  })),
]

function get(
  path: string,
  answer: (asked: Asked) => Promise<unknown>,
  isFiltered = false,
): AdminRoute {
  return {
    path,
    isFiltered,
    locate: (locating) => locateAt(path, locating),
    methods: { GET: answer },
  }
}

/** What is about the log of all workspaces is decided in the default one. */
function ofWhole(path: string, answer: (asked: Asked) => Promise<unknown>): AdminRoute {
  return {
    ...get(path, answer),
    locate: (locating) => ({
      check: { ask: { workspace: defaultWorkspace, path, action: locating.action } },
      isLost: locating.place.id === '',
    }),
  }
}

function rightsOf({ configuration, principal }: Asked): Rights {
  const rights = configuration.rightsOf(principal)
  if (rights === undefined) throw unidentified()
  return rights
}

/** Records newest first: under a workspace only its own; else those of each workspace that the principal may read. */
async function readRecords(asked: Asked): Promise<{
  readonly records: readonly ChainedRecord[]
  readonly size: number
}> {
  const { configuration, request, refusal } = asked
  const { filter, size, workspace } = readAuditQuery(request.query)
  const named = asked.params['workspace'] ?? workspace
  const workspaces = named === undefined ? {} : { workspaces: placesNamed(asked, named) }
  const wanted: AuditFilter = { ...filter, ...workspaces }
  const records = await configuration.audit.readFor(rightsOf(asked), wanted, size + 1)
  if (records === undefined && refusal !== undefined) throw refusal
  return { records: records ?? [], size }
}

/** Records name a workspace as it was; one that is there is meant by its id. */
function placesNamed({ configuration, place }: Asked, named: string): readonly AuditWorkspace[] {
  if (place.name === named) return [place]
  const found = configuration.find({ entity: 'workspace', workspace: null, at: named })
  return found === undefined
    ? [{ id: '', name: named }]
    : [{ id: found.id, name: found.fields.name }]
}

async function readPage(
  asked: Asked,
  present: (record: ChainedRecord) => unknown,
): Promise<Omit<AuditPage, 'data'> & { readonly data: readonly unknown[] }> {
  const { records, size } = await readRecords(asked)
  const shown = records.slice(0, size)
  const last = shown.at(-1)
  const data = shown.map(present)
  if (records.length <= size || last === undefined) return { data, next: null }
  const offset = String(last.sequence)
  const { pathname, searchParams } = new URL(asked.request.url, 'http://localhost')
  searchParams.set('offset', offset)
  return { data, next: `${pathname}?${searchParams.toString()}`, offset }
}

async function readOne(asked: Asked): Promise<ChainedRecord> {
  const { configuration, params, refusal } = asked
  const sequence = /^\d{1,15}$/.test(params['sequence'] ?? '') ? Number(params['sequence']) : 0
  const one = { above: sequence - 1, below: sequence + 1 }
  const [record] = (await configuration.audit.readFor(rightsOf(asked), one, 1)) ?? []
  if (record === undefined) throw refusal ?? notFound()
  const named = params['workspace']
  if (named !== undefined && record.workspace !== named) throw notFound()
  return record
}

async function describeChain({ configuration }: Asked): Promise<AuditChain> {
  const { head, base, along } = await configuration.audit.signed()
  const { publicKeyPem } = configuration.audit
  return { head: head ?? null, base: base ?? null, along, public_key: publicKeyPem }
}

const mostTouches = 20

function lineOf({ before, after, ...record }: ChainedRecord): AuditLine {
  const touches = touchesOf(before, after)
  return { ...record, touched: touches.length, touches: touches.slice(0, mostTouches) }
}

type Side = { readonly [field: string]: unknown }

function touchesOf(before: readonly unknown[], after: readonly unknown[]): Touch[] {
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

const secondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000)

const kongRequestOf = (record: ChainedRecord): unknown => ({
  request_id: record.requestId,
  request_timestamp: secondsOf(record.time),
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

/** Kong's second list: one row for each entity that was changed. */
async function readObjects(asked: Asked): Promise<unknown> {
  const { data, ...page } = await readPage(asked, (record) =>
    touchesOf(record.before, record.after).map(({ entity, id, did }) => ({
      id: `${record.id}/${id}`,
      request_id: record.requestId,
      request_timestamp: secondsOf(record.time),
      entity_key: id,
      dao_name: entity,
      operation: did.slice(0, -1),
      entity: JSON.stringify(sideOf(record.after, id) ?? sideOf(record.before, id)),
      rbac_user_id: record.principal?.id ?? null,
      signature: record.hash,
      ttl: null,
    })),
  )
  return { data: data.flat(), ...page }
}

const sideOf = (sides: readonly unknown[], id: string): unknown =>
  (sides as readonly Side[]).find((side) => side['id'] === id)
