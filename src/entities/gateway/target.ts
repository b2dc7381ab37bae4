import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { between, reference, tags } from '../fields.ts'
import { parseTarget } from '../target-address.ts'

/** One address in an upstream. */
export const target = defineEntity(
  {
    name: 'target',
    plural: 'targets',
    about: 'One address in an upstream.',
    key: 'target',
    unique: [['upstream', 'target']],
    refersTo: { upstream: 'upstream' },
    belongsTo: 'upstream',
    withoutRoutes: ['own'],
    fields: z.strictObject({
      upstream: reference(),
      target: z
        .string()
        .min(1)
        .refine((value) => parseTarget(value) !== undefined, {
          error: (issue) =>
            `Invalid target ('${String(issue.input)}'); not a valid hostname or ip address`,
        })
        .transform((value) => {
          const { host, port } = parseTarget(value) ?? { host: value, port: 8000 }
          return `${host}:${port}`
        })
        .describe('host or host:port; the port is 8000 unless given.'),
      weight: between(0, 65_535)
        .default(100)
        .describe('Share of requests relative to the others; 0 takes none.'),
      failover: z
        .boolean()
        .default(false)
        .describe('Takes requests only when no other target can.'),
      tags: tags(),
    }),
  },
  {
    keyForms: (at) => [at, `${at}:8000`],
  },
)
