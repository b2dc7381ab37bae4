import type { UpstreamHealth } from '../../schema/upstream-health.ts'

type TargetHealth = UpstreamHealth['targets'][number]
type AddressHealth = TargetHealth['addresses'][number]

/** Ordered from best to worst. */
const scale = ['HEALTHCHECKS_OFF', 'HEALTHY', 'UNHEALTHY', 'DNS_ERROR'] as const

/** Health by `host:port`; when workers disagree, the worst report counts. */
export function describeTargets(
  upstream: string,
  reports: readonly (readonly UpstreamHealth[])[],
): ReadonlyMap<string, TargetHealth> {
  const found = new Map<string, TargetHealth>()
  for (const report of reports) {
    const targets = report.find((one) => one.upstream === upstream)?.targets ?? []
    for (const target of targets) {
      const known = found.get(target.target)
      found.set(target.target, known === undefined ? target : worse(known, target))
    }
  }
  return found
}

function worse(a: TargetHealth, b: TargetHealth): TargetHealth {
  const addresses = new Map<string, AddressHealth>()
  for (const address of [...a.addresses, ...b.addresses]) {
    const name = `${address.ip} ${address.port}`
    const known = addresses.get(name)
    const isWorse = known === undefined || rank(address.health) > rank(known.health)
    if (isWorse) addresses.set(name, address)
  }
  const health = rank(a.health) > rank(b.health) ? a.health : b.health
  return { target: a.target, health, addresses: [...addresses.values()] }
}

const rank = (health: TargetHealth['health']): number => scale.indexOf(health)
