import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'

/** An API key by which a consumer is known. Answered in clear to those who may read it, as in Kong; nodes get only its SHA-256. */
export const keyAuth = defineEntity(
  {
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
    generated: ['key'],
    fields: z.strictObject({
      consumer: reference(),
      key: z.string().min(1).optional().describe('Made when absent.'),
      ttl: optional(z.int().min(0)).describe('Seconds until the key ends.'),
      tags: tags(),
    }),
  },
  {
    beforeWrite({ after: { createdAt, updatedAt }, given: { ttl } }) {
      if (typeof ttl !== 'number') return undefined
      // A body counts from now; what is stored counts from the creation, which never moves. 0 is none.
      return { ttl: ttl === 0 ? null : updatedAt - createdAt + ttl }
    },
    present: ({ createdAt, fields: { ttl } }, { now }) => ({
      ttl: ttl === null ? null : Math.max(0, createdAt + ttl - now),
    }),
  },
)
