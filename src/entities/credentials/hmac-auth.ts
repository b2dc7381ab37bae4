import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'
import {
  credentialTimes,
  hiddenRotation,
  presentTtl,
  rotateInPlace,
  rotationFields,
  storedRotation,
  storedTtl,
  ttl,
} from './lifetime.ts'

export const hmacAuth = defineEntity(
  {
    name: 'hmac-auth',
    plural: 'hmac-auths',
    nestedAs: 'hmac-auth',
    declaredAs: 'hmacauth_credentials',
    about: 'A username and a shared secret with which a consumer signs requests.',
    key: 'username',
    unique: ['username'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['secret', 'previous_secret'],
    reveals: 'readers',
    generated: ['secret'],
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      username: z.string().min(1).describe('Username of the signature. Unique in the workspace.'),
      secret: z.string().min(1).optional().describe('Shared secret. Generated when omitted.'),
      ttl: ttl(),
      ...rotationFields(),
      tags: tags(),
    }),
  },
  {
    beforeWrite: (write) => ({
      ...storedTtl(write),
      ...storedRotation(write, ({ secret }) => secret),
    }),
    present: (entry, { now }) => ({ ...presentTtl(entry, now), ...hiddenRotation }),
    credential: {
      label: ({ fields }) => fields.username,
      times: credentialTimes,
      rotate: (entry, rotation) =>
        rotateInPlace(
          'hmac-auth',
          entry,
          { secret: rotation.secret ?? rotation.newSecret() },
          rotation,
        ),
    },
  },
)
