import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference } from '../fields.ts'

/** Routes: /rbac/users/{user}/identities. */
export const identity = defineEntity(
  {
    name: 'identity',
    plural: 'rbac/identities',
    nestedAs: 'identities',
    about:
      'A subject of an OpenID Connect provider that signs in as a principal. Made at the first sign-in, or beforehand.',
    inWorkspace: false,
    refersTo: { principal: 'principal' },
    belongsTo: 'principal',
    unique: [['issuer', 'subject']],
    withoutRoutes: ['own'],
    fields: z.strictObject({
      principal: reference().describe('The principal that the subject signs in as.'),
      issuer: z.string().min(1).max(500).describe('Issuer identifier of the provider.'),
      subject: z
        .string()
        .min(1)
        .max(255)
        .describe('Subject at the provider: the claim `sub`, or what the preset takes for it.'),
    }),
  },
  {
    describe: ({ fields: { subject, issuer } }, nameOf) =>
      `${subject} of ${issuer} for ${nameOf('principal')}`,
  },
)
