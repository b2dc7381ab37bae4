import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Peer } from '../balance/peer.ts'

type TargetHealth = UpstreamHealth['targets'][number]
type AddressHealth = TargetHealth['addresses'][number]['health']

/** How the targets of a pool are, in Kong's words; a target is healthy while one of its addresses is. */
export function describePool(pool: Pool, isChecked: boolean): UpstreamHealth {
  const peers = Map.groupBy(pool.peers(), ({ key }) => key.slice(0, key.indexOf(' ')))
  return {
    upstream: pool.plan.id,
    targets: pool.plan.targets.map(({ host, port }): TargetHealth => {
      const own = peers.get(`${host}:${port}`) ?? []
      const addresses = own.map((peer) => ({
        ip: peer.host,
        port: peer.port,
        weight: peer.weight,
        health: healthOf(peer, isChecked),
      }))
      return { target: `${host}:${port}`, health: summary(addresses, isChecked), addresses }
    }),
  }
}

const healthOf = ({ state }: Peer, isChecked: boolean): AddressHealth =>
  isChecked ? (state.health.healthy ? 'HEALTHY' : 'UNHEALTHY') : 'HEALTHCHECKS_OFF'

function summary(addresses: TargetHealth['addresses'], isChecked: boolean): TargetHealth['health'] {
  if (addresses.length === 0) return 'DNS_ERROR'
  if (!isChecked) return 'HEALTHCHECKS_OFF'
  return addresses.some(({ health }) => health === 'HEALTHY') ? 'HEALTHY' : 'UNHEALTHY'
}
