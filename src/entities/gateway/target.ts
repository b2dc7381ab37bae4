import { z } from 'zod'
import { checkAddress } from '../check-address.ts'
import { defineEntity } from '../entity.ts'
import { between, reference, tags } from '../fields.ts'
import { parseTarget } from '../target-address.ts'

export const target = defineEntity(
  {
    name: 'target',
    plural: 'targets',
    about: 'An address of an upstream with its weight.',
    key: 'target',
    unique: [['upstream', 'target']],
    refersTo: { upstream: 'upstream' },
    belongsTo: 'upstream',
    withoutRoutes: ['own'],
    fields: z.strictObject({
      upstream: reference().describe('The upstream of the target.'),
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
        .describe(
          'Host name or IP address with an optional port, `host:port`. The port defaults to 8000.',
        ),
      weight: between(0, 65_535)
        .default(100)
        .describe('Weight relative to the other targets. 0 receives no requests.'),
      failover: z
        .boolean()
        .default(false)
        .describe('Use the target only while no regular target is available.'),
      tags: tags(),
    }),
  },
  {
    complete(fields, { refusalOf }) {
      const { host, port } = parseTarget(String(fields['target'])) ?? { host: '', port: 0 }
      checkAddress('target', host, port, refusalOf)
      return fields
    },
    keyForms: (at) => [at, `${at}:8000`],
  },
)
