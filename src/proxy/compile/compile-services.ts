import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { Pool } from '../balance/open-pool.ts'
import { buildServiceTls, type ServiceTls } from '../tls/target-tls.ts'
import { hostIn, poolIdOf, type PoolTables } from './compile-pools.ts'
import {
  serviceScope,
  workspaceScope,
  serviceInScope,
  type PluginTables,
} from './prepare-plugins.ts'
import { changeIndex, emptyIndex, touchReferring, type ReverseIndex } from './reverse-index.ts'

type SnapshotService = SnapshotItem<'services'>
type SnapshotUpstream = SnapshotItem<'upstreams'>

/** A service with its pool. */
export type ServiceProgram = {
  readonly service: SnapshotService
  readonly pool: Pool
  /** Host header, or '' for that of the target. */
  readonly hostHeader: string
  /** Undefined for plain connections. */
  readonly tls: ServiceTls | undefined
  /** Whether the TLS handshake offers HTTP/2. */
  readonly offersHttp2: boolean
}

export type ServiceTables = {
  readonly services: RadixMap<ServiceProgram>
  /** Services by certificates and workspaces. */
  readonly references: ReverseIndex
}

export const emptyServices = (): ServiceTables => ({
  services: RadixMap.empty(),
  references: emptyIndex,
})

type ServiceInputs = Pick<PoolTables, 'pools' | 'upstreams'> &
  Pick<PluginTables, 'http2Offers'> & {
    readonly previousOffers: PluginTables['http2Offers']
    /** Services whose upstream or pool changed. */
    readonly touched: ReadonlySet<string>
  }

/** Compiles the services that changed. */
export function* changeServices(
  tables: ServiceTables,
  before: Snapshot,
  after: Snapshot,
  inputs: ServiceInputs,
): CooperativeTask<ServiceTables> {
  const changedServices = before.services.differencesTo(after.services)
  const references = yield* changeIndex(tables.references, changedServices, referencesOf)
  const touched = new Set(inputs.touched)
  for (const changes of [
    before.certificates.differencesTo(after.certificates),
    before.ca_certificates.differencesTo(after.ca_certificates),
    inputs.previousOffers.differencesTo(inputs.http2Offers),
  ])
    yield* touchReferring(references, changes, touched)
  for (const { key } of inputs.previousOffers.differencesTo(inputs.http2Offers)) {
    const service = serviceInScope(key)
    if (service !== undefined) touched.add(service)
  }
  const changed = new Map<string, ServiceProgram | undefined>()
  for (const id of touched) {
    yield
    const service = after.services.get(id)
    const old = tables.services.get(id)
    const next = service && compileService(service, after, inputs, old)
    if (old === undefined || next === undefined || !isSame(old, next)) changed.set(id, next)
  }
  return { services: yield* tables.services.changeSteps(changed), references }
}

const referencesOf = (service: SnapshotService): readonly string[] => [
  workspaceScope(service.workspace),
  ...(service.client_certificate?.id === undefined ? [] : [service.client_certificate.id]),
  ...(service.ca_certificates ?? []),
]

function compileService(
  service: SnapshotService,
  snapshot: Snapshot,
  { pools, upstreams, http2Offers }: ServiceInputs,
  old: ServiceProgram | undefined,
): ServiceProgram {
  const { id, workspace, host, protocol } = service
  const upstream = upstreams.get(hostIn(workspace, host))
  const tls = serviceTlsOf(service, upstream, snapshot)
  const offers = (scope: string): boolean => http2Offers.has(scope)
  return {
    service,
    pool: pools.get(upstream?.id ?? poolIdOf(id)) as Pool,
    hostHeader: upstream === undefined ? hostHeaderOf(service) : (upstream.host_header ?? ''),
    // The same object where its settings are, with the certificates that it has read.
    tls: old?.tls?.identity === tls?.identity ? old?.tls : tls,
    offersHttp2:
      protocol === 'https' && (offers(serviceScope(id)) || offers(workspaceScope(workspace))),
  }
}

/** The pool is another one where the upstream is. */
const isSame = (a: ServiceProgram, b: ServiceProgram): boolean =>
  a.service === b.service && a.pool === b.pool && a.tls === b.tls && a.offersHttp2 === b.offersHttp2

function hostHeaderOf({ host, port, protocol }: SnapshotService): string {
  const usual = ['https', 'wss', 'grpcs'].includes(protocol) ? 443 : 80
  return port === usual ? host : `${host}:${port}`
}

const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])

/** Undefined for plain connections. The client certificate of the upstream takes precedence over that of the service, as in Kong. */
function serviceTlsOf(
  service: SnapshotService,
  upstream: SnapshotUpstream | undefined,
  { certificates, ca_certificates: authorities }: Snapshot,
): ServiceTls | undefined {
  if (!secure.has(service.protocol)) return undefined
  const shown = upstream?.client_certificate ?? service.client_certificate
  const client = certificates.get(shown?.id ?? '')
  const trusted = service.ca_certificates?.flatMap((id) => authorities.get(id)?.cert ?? [])
  return buildServiceTls({
    verify: service.tls_verify ?? false,
    depth: service.tls_verify_depth ?? undefined,
    authorities: trusted,
    client: client === undefined ? undefined : { cert: client.cert, key: client.key },
  })
}
