import type { Clock } from '../lib/clock.ts'
import type { Heartbeat, Orders, TargetOrder } from '../schema/node-protocol.ts'
import type { NodeClaims } from './node-token.ts'

/** A worker of a node, as its last heartbeat told. */
export type KnownWorker = NodeClaims & {
  readonly state: Heartbeat
  /** Milliseconds since the epoch. */
  readonly heardAt: number
}

/** Which workers there are, by what they tell of themselves. */
export type NodeRegistry = {
  /** Takes a heartbeat, and returns what the worker has not been told yet. */
  hear(this: void, claims: NodeClaims, state: Heartbeat): Orders
  /** Lets every worker know with its next heartbeat. */
  order(this: void, order: TargetOrder): void
  /** Those that were heard lately, in order of node and worker. */
  workers(this: void): KnownWorker[]
}

/** A worker is forgotten after six heartbeats that did not come. */
const forgottenAfter = 30_000
/** Orders that may wait for a worker's next heartbeat; beyond, the oldest are forgotten. */
const mostWaiting = 10_000

/** Opens a registry that knows nobody yet. */
export function openNodeRegistry(clock: Clock): NodeRegistry {
  const known = new Map<string, KnownWorker>()
  const waiting = new Map<string, Map<string, TargetOrder>>()
  const forgetTheGone = (): void => {
    const oldest = clock.now() - forgottenAfter
    for (const [name, { heardAt }] of known) {
      if (heardAt >= oldest) continue
      known.delete(name)
      waiting.delete(name)
    }
  }
  return {
    hear(claims, state) {
      const name = `${claims.node} ${claims.worker}`
      known.set(name, { ...claims, state, heardAt: clock.now() })
      const targets = [...(waiting.get(name)?.values() ?? [])]
      waiting.delete(name)
      return { targets }
    },
    order(order) {
      forgetTheGone()
      for (const name of known.keys()) {
        const orders = waiting.get(name) ?? new Map<string, TargetOrder>()
        waiting.set(name, orders)
        wait(orders, order)
      }
    },
    workers() {
      forgetTheGone()
      return [...known.values()].sort((a, b) =>
        a.node === b.node ? a.worker - b.worker : a.node < b.node ? -1 : 1,
      )
    },
  }
}

/** Of two orders for the same address the later one counts, and comes last. */
function wait(orders: Map<string, TargetOrder>, order: TargetOrder): void {
  const place = JSON.stringify([order.upstream, order.target, order.address])
  orders.delete(place)
  orders.set(place, order)
  const [oldest = ''] = orders.keys()
  if (orders.size > mostWaiting) orders.delete(oldest)
}
