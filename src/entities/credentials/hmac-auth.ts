import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'

export const hmacAuth = defineEntity({
  name: 'hmac-auth',
  plural: 'hmac-auths',
  nestedAs: 'hmac-auth',
  declaredAs: 'hmacauth_credentials',
  about: 'A username and a shared secret with which a consumer signs requests.',
  key: 'username',
  unique: ['username'],
  refersTo: { consumer: 'consumer' },
  belongsTo: 'consumer',
  secret: ['secret'],
  reveals: 'readers',
  generated: ['secret'],
  fields: z.strictObject({
    consumer: reference().describe('The consumer that the credential identifies.'),
    username: z.string().min(1).describe('Username of the signature. Unique in the workspace.'),
    secret: z.string().min(1).optional().describe('Shared secret. Generated when omitted.'),
    tags: tags(),
  }),
})
