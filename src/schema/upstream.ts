import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { between, host, optional, tags } from './fields.ts'

/** A pool of targets under one virtual host name. */
export const upstream = defineEntity({
  name: 'upstream',
  plural: 'upstreams',
  about: 'A pool of targets under one virtual host name.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: host().describe('The host that services use to mean this pool.'),
    algorithm: z.enum(['round-robin']).default('round-robin').describe('How a target is picked.'),
    slots: between(10, 65_536).default(10_000),
    host_header: optional(host()).describe('Host to send to the targets instead of the service’s.'),
    tags: tags(),
  }),
})

/** A stored upstream. */
export type Upstream = Stored<z.output<typeof upstream.fields>>
