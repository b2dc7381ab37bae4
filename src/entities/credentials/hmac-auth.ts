import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'

/** A name and a shared secret with which a consumer signs its requests. */
export const hmacAuth = defineEntity({
  name: 'hmac-auth',
  plural: 'hmac-auths',
  nestedAs: 'hmac-auth',
  declaredAs: 'hmacauth_credentials',
  about: 'A name and a shared secret with which a consumer signs its requests.',
  key: 'username',
  unique: ['username'],
  refersTo: { consumer: 'consumer' },
  belongsTo: 'consumer',
  secret: ['secret'],
  reveals: 'readers',
  generated: ['secret'],
  fields: z.strictObject({
    consumer: reference(),
    username: z.string().min(1),
    secret: z.string().min(1).optional().describe('Made when absent.'),
    tags: tags(),
  }),
})
