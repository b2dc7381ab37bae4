import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'

/** The name in a client certificate by which a consumer is known. */
export const mtlsAuth = defineEntity({
  name: 'mtls-auth',
  plural: 'mtls-auths',
  nestedAs: 'mtls-auth',
  declaredAs: 'mtls_auth_credentials',
  about: 'The name in a client certificate by which a consumer is known.',
  unique: [['subject_name', 'ca_certificate']],
  refersTo: { consumer: 'consumer', ca_certificate: 'ca-certificate' },
  belongsTo: 'consumer',
  cascades: ['ca_certificate'],
  fields: z.strictObject({
    consumer: reference(),
    subject_name: z.string().min(1).describe('A subject alternative name or common name.'),
    ca_certificate: optional(reference()).describe(
      'The authority that must have issued the certificate; any trusted one when unset.',
    ),
    tags: tags(),
  }),
})
