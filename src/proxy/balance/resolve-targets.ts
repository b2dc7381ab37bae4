import type { LookupResult } from './look-up-name.ts'
import { newTargetState, type Target, type TargetState } from './target.ts'
import { isUnknown, literalAddress, type NameEntry, type Resolver } from './resolver.ts'

export type TargetConfig = {
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly failover: boolean
}

/** The targets that configured names resolve to, kept up to date. */
export type ResolvedTargets = {
  /** The same list as long as nothing changed. */
  targets(now: number): readonly Target[]
  /** While there are no targets: resolves after the next name was looked up, successfully or not. */
  ready(now: number): Promise<unknown> | undefined
  /** The error of the last lookup of a target's name. */
  failureOf(this: void, config: TargetConfig): unknown
}

/** `states` has the state of each address by key, and is shared with the pool of the next program. */
export function resolveTargets(
  configs: readonly TargetConfig[],
  resolver: Resolver,
  states: Map<string, TargetState>,
  useServiceName: boolean,
): ResolvedTargets {
  const named = configs.filter(({ host }) => literalAddress(host) === undefined)
  let targets: readonly Target[] | undefined
  let refreshAt = 0
  let seen = -1
  let isSettled = named.length === 0

  const lookUp = (): NameEntry[] => named.map(({ host }) => resolver.lookUp(host))
  const addressesOf = (host: string): LookupResult['addresses'] | undefined => {
    const literal = literalAddress(host)
    if (literal !== undefined) return [{ host: literal, alternatives: [] }]
    const name = resolver.lookUp(host)
    return isUnknown(name) ? undefined : (name.answer?.addresses ?? [])
  }
  const targetsOf = (config: TargetConfig): Target[] => {
    const { host, port } = config
    const addresses = addressesOf(host)
    // The resolver forgets the names of a program that is not watched; its exchanges still need the addresses.
    if (addresses === undefined)
      return (targets ?? []).filter(({ key }) => key.startsWith(`${host}:${port} `))
    return addresses.map((address) => buildTarget(config, address, states, useServiceName))
  }
  const currentTargets = (now: number): readonly Target[] => {
    if (targets !== undefined && now < refreshAt && seen === resolver.changes) return targets
    const names = lookUp()
    refreshAt = Math.min(...names.map((name) => Math.max(name.refreshAt, now + minRefreshInterval)))
    if (targets === undefined || seen !== resolver.changes) {
      seen = resolver.changes
      targets = keepIfEqual(targets, withoutDuplicates(configs.flatMap(targetsOf)))
      removeUnusedStates(states, targets)
    }
    return targets
  }

  return {
    targets: currentTargets,
    ready(now) {
      if (isSettled) return undefined
      const pending = lookUp().flatMap((name) => (isUnknown(name) ? (name.pending ?? []) : []))
      isSettled = pending.length === 0
      return isSettled || currentTargets(now).length > 0 ? undefined : Promise.race(pending)
    },
    failureOf: ({ host }) =>
      literalAddress(host) === undefined ? resolver.lookUp(host).failure : undefined,
  }
}

/** Milliseconds between two checks whether an answer is out of date. */
const minRefreshInterval = 250

function buildTarget(
  { host, port, weight, failover }: TargetConfig,
  { host: address, alternatives, service }: LookupResult['addresses'][number],
  states: Map<string, TargetState>,
  useServiceName: boolean,
): Target {
  const actualPort = service?.port ?? port
  const key = `${host}:${port} ${address}:${actualPort}`
  let state = states.get(key)
  if (state === undefined) states.set(key, (state = newTargetState()))
  return {
    host: address,
    port: actualPort,
    alternatives,
    hostPort: `${host}:${actualPort}`,
    name: useServiceName && service !== undefined ? service.name : host,
    weight: weight === 0 ? 0 : (service?.weight ?? weight),
    failover,
    key,
    state,
  }
}

/** Two configured targets of one name can resolve to the same address. */
function withoutDuplicates(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((target) => [target.key, target])).values()]
}

/** Returns the previous list if nothing changed, so that values computed from it stay valid. */
function keepIfEqual(
  before: readonly Target[] | undefined,
  after: readonly Target[],
): readonly Target[] {
  const isSame =
    before?.length === after.length && after.every((target, at) => isEqual(target, before[at]))
  return isSame && before !== undefined ? before : after
}

const isEqual = (a: Target, b: Target | undefined): boolean =>
  a.key === b?.key &&
  a.weight === b.weight &&
  a.name === b.name &&
  a.alternatives.join() === b.alternatives.join()

/** Limit of states that are kept for addresses to which names no longer resolve. */
export const maxUnusedStates = 256

function removeUnusedStates(states: Map<string, TargetState>, targets: readonly Target[]): void {
  if (states.size <= targets.length + maxUnusedStates) return
  const current = new Set(targets.map(({ key }) => key))
  for (const [key, { inFlight }] of states)
    if (inFlight === 0 && !current.has(key)) states.delete(key)
}
