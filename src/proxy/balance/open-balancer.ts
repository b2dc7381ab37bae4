import type { Clock } from '../../lib/clock.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Balancer } from './balancer.ts'
import { openConsistentHashing } from './consistent-hashing.ts'
import { hashInputOf } from './hash-input.ts'
import { openLatency } from './latency.ts'
import { leastConnections } from './least-connections.ts'
import { roundRobin } from './round-robin.ts'
import { openStickySessions } from './sticky-sessions.ts'

/** The balancer that an upstream is configured with. */
export function openBalancer(upstream: UpstreamSettings, clock: Clock): Balancer {
  switch (upstream.algorithm) {
    case 'round-robin':
      return roundRobin
    case 'least-connections':
      return leastConnections
    case 'latency':
      return openLatency(() => clock.now())
    case 'consistent-hashing':
      return openConsistentHashing(hashInputOf(upstream), upstream.slots)
    case 'sticky-sessions':
      return openStickySessions(
        upstream.sticky_sessions_cookie ?? '',
        upstream.sticky_sessions_cookie_path,
      )
  }
}
