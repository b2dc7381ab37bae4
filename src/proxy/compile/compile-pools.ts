import { parseTarget } from '../../entities/target-address.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import { changeByKey, RadixMap, type Difference } from '../../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import { openBalancer, roundRobin } from '../balance/balancers.ts'
import type { Pool, PoolPlan } from '../balance/open-pool.ts'
import type { PoolKeeper } from '../keep-pools.ts'
import { changeIndex, emptyIndex, touchReferring, type ReverseIndex } from './reverse-index.ts'

type SnapshotUpstream = SnapshotItem<'upstreams'>
type SnapshotService = SnapshotItem<'services'>

/** The pools of a snapshot: one for each upstream by its id, and one for each service whose host is not the name of an upstream by `poolIdOf` the service. */
export type PoolTables = {
  readonly pools: RadixMap<Pool>
  /** Upstreams by the host of services. */
  readonly upstreams: RadixMap<SnapshotUpstream>
  readonly ofCertificate: ReverseIndex
  readonly ofHost: ReverseIndex
}

export const emptyPools = (): PoolTables => ({
  pools: RadixMap.empty(),
  upstreams: RadixMap.empty(),
  ofCertificate: emptyIndex,
  ofHost: emptyIndex,
})

/** Clients choose ids, and an upstream can have that of a service, also of another workspace. */
export const poolIdOf = (serviceId: string): string => `service ${serviceId}`

/** Hosts of services and names of upstreams are those of a workspace. */
export const hostIn = (workspace: string, host: string): string => `${host} ${workspace}`

/** Opens the pools that changed. Adds the services whose upstream or pool changed to `touched`. */
export function* changePools(
  tables: PoolTables,
  before: Snapshot,
  after: Snapshot,
  { keeper, touched }: { readonly keeper: PoolKeeper; readonly touched: Set<string> },
): CooperativeTask<PoolTables> {
  const changed = new Set<string>()
  const hosts = new Set<string>()
  const changedUpstreams = (): Iterable<Difference<SnapshotUpstream>> =>
    before.upstreams.differencesTo(after.upstreams)
  for (const { key, before: old } of changedUpstreams()) {
    yield
    changed.add(key)
    if (old !== undefined) hosts.add(hostOfUpstream(old))
  }
  const ofCertificate = yield* changeIndex(tables.ofCertificate, changedUpstreams(), certificateOf)
  const upstreams = yield* changeByKey(tables.upstreams, changedUpstreams(), hostOfUpstream)
  const certificates = before.certificates.differencesTo(after.certificates)
  yield* touchReferring(ofCertificate, certificates, changed)
  const next = new Map<string, Pool | undefined>()
  for (const id of changed) {
    yield
    const upstream = after.upstreams.get(id)
    if (upstream !== undefined) hosts.add(hostOfUpstream(upstream))
    next.set(id, upstream && keeper.open(planOfUpstream(upstream, after, keeper)))
  }
  for (const { key } of before.services.differencesTo(after.services)) {
    yield
    touched.add(key)
  }
  const changedServices = before.services.differencesTo(after.services)
  const ofHost = yield* changeIndex(tables.ofHost, changedServices, hostOf)
  const references = [...hosts].map((key) => ({ key }))
  yield* touchReferring(ofHost, references, touched)
  for (const id of touched) {
    yield
    const service = after.services.get(id)
    const hasOwn = service !== undefined && !upstreams.has(hostOfService(service))
    const poolId = poolIdOf(id)
    if (!hasOwn) next.set(poolId, undefined)
    else if (!isPoolOf(tables.pools.get(poolId), service))
      next.set(poolId, keeper.open(planOfService(service)))
  }
  const pools = yield* tables.pools.changeSteps(next)
  return { pools, upstreams, ofCertificate, ofHost }
}

const certificateOf = ({ client_certificate: certificate }: SnapshotUpstream): readonly string[] =>
  certificate?.id === undefined ? [] : [certificate.id]

const hostOfUpstream = ({ workspace, name }: SnapshotUpstream): string => hostIn(workspace, name)
const hostOfService = ({ workspace, host }: SnapshotService): string => hostIn(workspace, host)
const hostOf = (service: SnapshotService): readonly string[] => [hostOfService(service)]

const planOfUpstream = (
  upstream: SnapshotUpstream,
  { certificates }: Snapshot,
  { clock }: PoolKeeper,
): PoolPlan => ({
  id: upstream.id,
  targets: targetsOf(upstream),
  balancer: openBalancer(upstream, clock),
  upstream,
  certificate: certificates.get(upstream.client_certificate?.id ?? ''),
})

const planOfService = ({ id, host, port }: SnapshotService): PoolPlan => ({
  id: poolIdOf(id),
  targets: [{ host, port, weight: 1, failover: false }],
  balancer: roundRobin,
  upstream: undefined,
  certificate: undefined,
})

/** Whether the pool is the one that the service would have. */
function isPoolOf(pool: Pool | undefined, { host, port }: SnapshotService): boolean {
  const [target] = pool?.plan.targets ?? []
  return target?.host === host && target.port === port
}

function targetsOf(upstream: SnapshotUpstream): PoolPlan['targets'] {
  return upstream.targets.map(({ target, weight, failover }) => {
    const address = parseTarget(target)
    if (address === undefined)
      throw new Problem(
        'program.target',
        400,
        `upstream ${upstream.name}: '${target}' is not host:port`,
      )
    return { ...address, weight, failover }
  })
}
