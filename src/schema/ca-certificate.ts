import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { optional, tags } from './fields.ts'
import { certificatePem, certificatesIn } from './pem.ts'

/** A certificate of an authority whose word counts: for services whose name is verified, and for clients that show a certificate. */
export const caCertificate = defineEntity({
  name: 'ca-certificate',
  plural: 'ca_certificates',
  about: 'The certificate of an authority whose word counts.',
  inWorkspace: false,
  unique: ['cert_digest'],
  fields: z.strictObject({
    cert: certificatePem()
      .refine((text) => certificatesIn(text).length <= 1, {
        error: 'please submit only one certificate at a time',
      })
      .describe('One certificate as PEM.'),
    cert_digest: optional(z.string()).describe('SHA-256 of the certificate; made, never taken.'),
    tags: tags(),
  }),
})

/** A stored certificate of an authority. */
export type CaCertificate = Stored<z.output<typeof caCertificate.fields>>
