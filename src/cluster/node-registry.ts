import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type {
  CachePurge,
  Heartbeat,
  LogLevelChange,
  Orders,
  TargetOrder,
} from '../schema/node-protocol.ts'
import type { NodeClaims } from './node-token.ts'

/** A worker of a node, as its last heartbeat described it. */
export type KnownWorker = NodeClaims & {
  readonly state: Heartbeat
  /** Milliseconds since the epoch. */
  readonly lastSeen: number
}

/** The workers that send heartbeats to this control plane. */
export type NodeRegistry = {
  /** Handles a heartbeat, and returns the orders that the worker has not received yet. */
  receiveHeartbeat(this: void, claims: NodeClaims, state: Heartbeat): Orders
  /** Sends an order to every worker with the answer to its next heartbeat. */
  order(this: void, order: TargetOrder): void
  /** Sends a purge of a cache to every worker with the answer to its next heartbeat. */
  purge(this: void, purge: CachePurge): void
  /** Sends a change of the log level to every worker, with the answers to heartbeats for as long as it holds. */
  changeLogLevel(this: void, change: LogLevelChange): void
  /** Orders reports of traffic, for two minutes. */
  wantTraffic(this: void): void
  /** Workers with a recent heartbeat, in order of node and worker. */
  workers(this: void): KnownWorker[]
}

/** Milliseconds: six missed heartbeats. */
const forgetAfter = 30_000
/** Longer than Prometheus usually waits between two scrapes. */
const trafficMilliseconds = 120_000
/** Orders that may wait for one worker; beyond, the oldest are dropped. */
const maxWaiting = 10_000

/** Orders that a worker has not got yet. */
type Waiting = {
  readonly targets: Map<string, TargetOrder>
  readonly purges: Map<string, CachePurge>
}

/** Opens an empty registry. */
export function openNodeRegistry(clock: Clock, log?: Pick<Log, 'warn'>): NodeRegistry {
  const known = new Map<string, KnownWorker>()
  let logLevel: { readonly change: LogLevelChange; readonly until: number } | undefined
  const logLevelNow = (): LogLevelChange | undefined => {
    const milliseconds = logLevel === undefined ? 0 : logLevel.until - clock.now()
    if (milliseconds <= 0) logLevel = undefined
    return logLevel && { ...logLevel.change, milliseconds }
  }
  let trafficUntil = Number.NEGATIVE_INFINITY
  const waiting = new Map<string, Waiting>()
  const forgetSilent = (): void => {
    const oldest = clock.now() - forgetAfter
    for (const [name, { lastSeen }] of known) {
      if (lastSeen >= oldest) continue
      known.delete(name)
      waiting.delete(name)
    }
  }
  const waitingOfAll = (): Waiting[] => {
    forgetSilent()
    return [...known.keys()].map((name) => {
      const orders = waiting.get(name) ?? { targets: new Map(), purges: new Map() }
      waiting.set(name, orders)
      return orders
    })
  }
  const takeWaiting = (name: string): Pick<Orders, 'targets' | 'purges'> => {
    const { targets, purges } = waiting.get(name) ?? { targets: new Map(), purges: new Map() }
    waiting.delete(name)
    return {
      targets: [...targets.values()],
      ...(purges.size > 0 && { purges: [...purges.values()] }),
    }
  }
  return {
    receiveHeartbeat(claims, state) {
      const { node, worker } = claims
      const name = `${node} ${worker}`
      const { refusedRevision, refusal } = state
      // Repeated by every heartbeat until the worker applies a snapshot.
      if (refusedRevision !== undefined && known.get(name)?.state.refusal !== refusal)
        log?.warn('cluster: worker rejected a snapshot', {
          node,
          worker,
          revision: refusedRevision,
          reason: refusal,
        })
      const traffic = newerTraffic(known.get(name)?.state.traffic, state.traffic)
      known.set(name, {
        ...claims,
        state: { ...state, ...(traffic && { traffic }) },
        lastSeen: clock.now(),
      })
      const orders = takeWaiting(name)
      const change = logLevelNow()
      const wantsTraffic = clock.now() < trafficUntil
      return {
        ...orders,
        ...(change && { logLevel: change }),
        ...(wantsTraffic && { wantsTraffic }),
      }
    },
    order(order) {
      const key = JSON.stringify([order.upstream, order.target, order.address])
      for (const { targets } of waitingOfAll()) queue(targets, key, order)
    },
    purge(purge) {
      const key = JSON.stringify([purge.plugin, purge.key])
      for (const { purges } of waitingOfAll()) queue(purges, key, purge)
    },
    changeLogLevel(change) {
      logLevel = { change, until: clock.now() + change.milliseconds }
    },
    wantTraffic() {
      trafficUntil = clock.now() + trafficMilliseconds
    },
    workers() {
      forgetSilent()
      return [...known.values()].sort((a, b) =>
        a.node === b.node ? a.worker - b.worker : a.node < b.node ? -1 : 1,
      )
    },
  }
}

/** During an upgrade, two workers have the same name; the newer one counts. */
function newerTraffic(
  before: Heartbeat['traffic'],
  now: Heartbeat['traffic'],
): Heartbeat['traffic'] {
  if (before === undefined || now === undefined) return now ?? before
  return now.startedAt < before.startedAt ? before : now
}

/** Of two orders for the same only the later one counts. */
function queue<Order>(orders: Map<string, Order>, key: string, order: Order): void {
  orders.delete(key)
  orders.set(key, order)
  const [oldest = ''] = orders.keys()
  if (orders.size > maxWaiting) orders.delete(oldest)
}
