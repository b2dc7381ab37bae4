import { z } from 'zod'
import type { Reference } from '../declaration.ts'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'

export const basicAuth = defineEntity(
  {
    name: 'basic-auth',
    plural: 'basic-auths',
    nestedAs: 'basic-auth',
    declaredAs: 'basicauth_credentials',
    about: 'A username and password that identify a consumer.',
    key: 'username',
    unique: ['username'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['password'],
    reveals: 'readers',
    acceptsHashes: { saltedBy: 'consumer' },
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      username: z
        .string()
        .min(1)
        .describe('Username of the Authorization header. Unique in the workspace.'),
      password: z
        .string()
        .min(1)
        .describe(
          'Stored and answered as the SHA-1 of the password followed by the consumer’s id, as in Kong.',
        ),
      tags: tags(),
    }),
  },
  {
    // Kong's hash, so that credentials can be migrated in both directions.
    hashSecret: (_field, clear, { consumer }, tools) =>
      tools.sha1(`${clear}${(consumer as Reference).id}`),
  },
)
