import { z } from 'zod'
import type { Reference } from '../declaration.ts'
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
    secret: ['password', 'previous_secret'],
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
      ttl: ttl(),
      ...rotationFields(),
      tags: tags(),
    }),
  },
  {
    // Kong's hash, so that credentials can be migrated in both directions.
    hashSecret: (_field, clear, { consumer }, tools) =>
      tools.sha1(`${clear}${(consumer as Reference).id}`),
    beforeWrite: (write) => ({
      ...storedTtl(write),
      ...storedRotation(write, ({ password }) => password),
    }),
    present: (entry, { now }) => ({ ...presentTtl(entry, now), ...hiddenRotation }),
    credential: {
      label: ({ fields }) => fields.username,
      times: credentialTimes,
      rotate: (entry, rotation) =>
        rotateInPlace(
          'basic-auth',
          entry,
          { password: rotation.secret ?? rotation.newSecret() },
          rotation,
        ),
    },
  },
)
