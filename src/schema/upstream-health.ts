import { z } from 'zod'

/** The health of the targets of an upstream, as seen by one worker. */
export const upstreamHealth = z.strictObject({
  /** Id of the upstream. */
  upstream: z.string(),
  targets: z.array(
    z.strictObject({
      /** host:port as configured. */
      target: z.string(),
      health: z.enum(['HEALTHY', 'UNHEALTHY', 'HEALTHCHECKS_OFF', 'DNS_ERROR']),
      /** Resolved addresses; empty when the name does not resolve. */
      addresses: z.array(
        z.strictObject({
          ip: z.string(),
          port: z.int(),
          weight: z.int(),
          health: z.enum(['HEALTHY', 'UNHEALTHY', 'HEALTHCHECKS_OFF']),
        }),
      ),
    }),
  ),
})

export type UpstreamHealth = z.output<typeof upstreamHealth>
