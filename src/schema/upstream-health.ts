import { z } from 'zod'

/** How the targets of an upstream are, as one worker of a node sees it. */
export const upstreamHealth = z.strictObject({
  /** Id of the upstream. */
  upstream: z.string(),
  targets: z.array(
    z.strictObject({
      /** host:port as configured. */
      target: z.string(),
      health: z.enum(['HEALTHY', 'UNHEALTHY', 'HEALTHCHECKS_OFF', 'DNS_ERROR']),
      /** Where it leads; empty when its name leads nowhere. */
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

/** How the targets of an upstream are, as one worker of a node sees it. */
export type UpstreamHealth = z.output<typeof upstreamHealth>
