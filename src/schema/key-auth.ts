import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { optional, reference, tags } from './fields.ts'

/** An API key by which a consumer is known. Answered in clear to those who may read it, as in Kong; nodes get only its SHA-256. */
export const keyAuth = defineEntity({
  name: 'key-auth',
  plural: 'key-auths',
  nestedAs: 'key-auth',
  declaredAs: 'keyauth_credentials',
  about: 'An API key by which a consumer is known.',
  key: 'key',
  unique: ['key'],
  refersTo: { consumer: 'consumer' },
  belongsTo: 'consumer',
  secret: ['key'],
  reveals: 'readers',
  made: ['key'],
  fields: z.strictObject({
    consumer: reference(),
    key: z.string().min(1).optional().describe('Made when absent.'),
    ttl: optional(z.int().min(0)).describe('Seconds until the key ends.'),
    tags: tags(),
  }),
})

/** A stored API key. */
export type KeyAuth = Stored<Omit<z.output<typeof keyAuth.fields>, 'consumer' | 'key'>> & {
  consumer: { id: string }
  key: string
}
