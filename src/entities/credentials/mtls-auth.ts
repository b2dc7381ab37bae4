import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'
import { credentialTimes, presentTtl, storedTtl, ttl } from './lifetime.ts'

export const mtlsAuth = defineEntity(
  {
    name: 'mtls-auth',
    plural: 'mtls-auths',
    nestedAs: 'mtls-auth',
    declaredAs: 'mtls_auth_credentials',
    about: 'A name in client certificates that identifies a consumer.',
    unique: [['subject_name', 'ca_certificate']],
    refersTo: { consumer: 'consumer', ca_certificate: 'ca-certificate' },
    belongsTo: 'consumer',
    cascades: ['ca_certificate'],
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      subject_name: z
        .string()
        .min(1)
        .describe('Subject alternative name or common name of the client certificate.'),
      ca_certificate: optional(reference()).describe(
        'The CA that must have issued the certificate. Any trusted CA when null.',
      ),
      ttl: ttl(),
      tags: tags(),
    }),
  },
  {
    beforeWrite: storedTtl,
    present: (entry, { now }) => presentTtl(entry, now),
    credential: { label: ({ fields }) => fields.subject_name, times: credentialTimes },
  },
)
