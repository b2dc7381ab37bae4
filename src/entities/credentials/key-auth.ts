import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'
import { credentialTimes, presentTtl, remainingTtl, storedTtl, ttl } from './lifetime.ts'

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
      ttl: ttl(),
      tags: tags(),
    }),
  },
  {
    beforeWrite: storedTtl,
    present: (entry, { now }) => presentTtl(entry, now),
    credential: {
      times: credentialTimes,
      hasSuccessor: true,
      // Two keys, so that requests show which of them is still used.
      rotate(entry, { secret, overlap, ttl, now, newSecret }) {
        const { id, workspace, fields } = entry
        const remaining = ttl === undefined ? remainingTtl(entry, now) : undefined
        const { consumer, tags } = fields
        const key = secret ?? newSecret()
        const body = { consumer, tags, key, ttl: ttl ?? remaining ?? null }
        const old = { entity: 'key-auth', workspace, at: id, isById: true } as const
        const present = presentTtl(entry, now).ttl
        return [
          { kind: 'create', entity: 'key-auth', workspace, body },
          overlap === 0
            ? { ...old, kind: 'delete' }
            : { ...old, kind: 'update', body: { ttl: Math.min(overlap, present ?? overlap) } },
        ]
      },
    },
  },
)
