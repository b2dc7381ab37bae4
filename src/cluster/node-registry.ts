import type { Clock } from '../lib/clock.ts'
import type { Heartbeat } from '../schema/node-protocol.ts'
import type { NodeClaims } from './node-token.ts'

/** A worker of a node, as its last heartbeat told. */
export type KnownWorker = NodeClaims & {
  readonly state: Heartbeat
  /** Milliseconds since the epoch. */
  readonly heardAt: number
}

/** Which workers there are, by what they tell of themselves. */
export type NodeRegistry = {
  hear(this: void, claims: NodeClaims, state: Heartbeat): void
  /** Those that were heard lately, in order of node and worker. */
  workers(this: void): KnownWorker[]
}

/** A worker is forgotten after six heartbeats that did not come. */
const forgottenAfter = 30_000

/** Opens a registry that knows nobody yet. */
export function openNodeRegistry(clock: Clock): NodeRegistry {
  const known = new Map<string, KnownWorker>()
  return {
    hear(claims, state) {
      known.set(`${claims.node} ${claims.worker}`, { ...claims, state, heardAt: clock.now() })
    },
    workers() {
      const oldest = clock.now() - forgottenAfter
      for (const [name, { heardAt }] of known) if (heardAt < oldest) known.delete(name)
      return [...known.values()].sort((a, b) =>
        a.node === b.node ? a.worker - b.worker : a.node < b.node ? -1 : 1,
      )
    },
  }
}
