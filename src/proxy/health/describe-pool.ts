import type { UpstreamHealth } from '../../schema/upstream-health.ts'
import type { Pool } from '../balance/open-pool.ts'
import type { Target } from '../balance/target.ts'

type TargetHealth = UpstreamHealth['targets'][number]
type AddressHealth = TargetHealth['addresses'][number]['health']

/** How the targets of a pool are, in Kong's words; a target is healthy while one of its addresses is. */
export function describePool(pool: Pool, isChecked: boolean): UpstreamHealth {
  const targets = Map.groupBy(pool.targets(), ({ key }) => key.slice(0, key.indexOf(' ')))
  return {
    upstream: pool.plan.id,
    targets: pool.plan.targets.map(({ host, port }): TargetHealth => {
      const own = targets.get(`${host}:${port}`) ?? []
      const addresses = own.map((target) => ({
        ip: target.host,
        port: target.port,
        weight: target.weight,
        health: healthOf(target, isChecked),
      }))
      return { target: `${host}:${port}`, health: summary(addresses, isChecked), addresses }
    }),
  }
}

const healthOf = ({ state }: Target, isChecked: boolean): AddressHealth =>
  isChecked ? (state.health.healthy ? 'HEALTHY' : 'UNHEALTHY') : 'HEALTHCHECKS_OFF'

function summary(addresses: TargetHealth['addresses'], isChecked: boolean): TargetHealth['health'] {
  if (addresses.length === 0) return 'DNS_ERROR'
  if (!isChecked) return 'HEALTHCHECKS_OFF'
  return addresses.some(({ health }) => health === 'HEALTHY') ? 'HEALTHY' : 'UNHEALTHY'
}
