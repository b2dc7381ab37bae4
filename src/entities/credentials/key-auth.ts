import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'

/** Answered in clear to those who may read it, as in Kong. Nodes receive only its SHA-256. */
export const keyAuth = defineEntity(
  {
    name: 'key-auth',
    plural: 'key-auths',
    nestedAs: 'key-auth',
    declaredAs: 'keyauth_credentials',
    about: 'An API key that identifies a consumer.',
    key: 'key',
    unique: ['key'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['key'],
    reveals: 'readers',
    generated: ['key'],
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      key: z
        .string()
        .min(1)
        .optional()
        .describe('The API key. Unique in the workspace. Generated when omitted.'),
      ttl: optional(z.int().min(0)).describe(
        'Seconds until the key expires; 0 or null for never. Answers contain the remaining seconds.',
      ),
      tags: tags(),
    }),
  },
  {
    beforeWrite({ after: { createdAt, updatedAt }, given: { ttl } }) {
      if (typeof ttl !== 'number') return undefined
      // In a body, ttl counts from now; the stored one counts from the creation. 0 means no expiry.
      return { ttl: ttl === 0 ? null : updatedAt - createdAt + ttl }
    },
    present: ({ createdAt, fields: { ttl } }, { now }) => ({
      ttl: ttl === null ? null : Math.max(0, createdAt + ttl - now),
    }),
  },
)
