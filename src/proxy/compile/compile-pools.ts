import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import { parseTarget } from '../../entities/target-address.ts'
import { openBalancer, roundRobin } from '../balance/balancers.ts'
import type { Pool, PoolPlan } from '../balance/open-pool.ts'
import type { PoolKeeper } from '../keep-pools.ts'

type SnapshotUpstream = SnapshotItem<'upstreams'>

/** The pools of a snapshot: one for each upstream by its id, and one for each service whose host is not the name of an upstream by its own. */
export function* compilePools(
  snapshot: Snapshot,
  keeper: PoolKeeper,
): CooperativeTask<ReadonlyMap<string, Pool>> {
  const names = new Set(
    [...snapshot.upstreams.values()].map(({ workspace, name }) => `${workspace} ${name}`),
  )
  const plans: PoolPlan[] = [...snapshot.upstreams.values()].map((upstream) => ({
    id: upstream.id,
    targets: targetsOf(upstream),
    balancer: openBalancer(upstream, keeper.clock),
    upstream,
    certificate: snapshot.certificates.get(upstream.client_certificate?.id ?? ''),
  }))
  for (const { id, workspace, host, port } of snapshot.services.values()) {
    if (names.has(`${workspace} ${host}`)) continue
    const targets = [{ host, port, weight: 1, failover: false }]
    plans.push({ id, targets, balancer: roundRobin, upstream: undefined, certificate: undefined })
  }
  const pools = new Map<string, Pool>()
  for (const plan of plans) {
    yield
    pools.set(plan.id, keeper.open(plan))
  }
  return pools
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
