import { z } from 'zod'
import type { Reference } from '../declaration.ts'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'

/** A name and password by which a consumer is known. The password is kept, and answered, as the hash that Kong makes of it. */
export const basicAuth = defineEntity(
  {
    name: 'basic-auth',
    plural: 'basic-auths',
    nestedAs: 'basic-auth',
    declaredAs: 'basicauth_credentials',
    about: 'A name and password by which a consumer is known.',
    key: 'username',
    unique: ['username'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['password'],
    reveals: 'readers',
    acceptsHashes: { saltedBy: 'consumer' },
    fields: z.strictObject({
      consumer: reference(),
      username: z.string().min(1),
      password: z.string().min(1).describe('Kept as the SHA-1 of itself and the consumer’s id.'),
      tags: tags(),
    }),
  },
  {
    // Kong's hash, so that credentials can be moved from there and back.
    hashSecret: (_field, clear, { consumer }, tools) =>
      tools.sha1(`${clear}${(consumer as Reference).id}`),
  },
)
