import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'
import { certificatePem, certificatesIn, readPem, refusedEntity } from './pem.ts'

/** A certificate of an authority whose word counts: for services whose name is verified, and for clients that show a certificate. */
export const caCertificate = defineEntity(
  {
    name: 'ca-certificate',
    plural: 'ca_certificates',
    about: 'The certificate of an authority whose word counts.',
    inWorkspace: false,
    unique: ['cert_digest'],
    naturalKey: ['cert'],
    document: { part: 'gateway' },
    fields: z.strictObject({
      cert: certificatePem()
        .refine((text) => certificatesIn(text).length <= 1, {
          error: 'please submit only one certificate at a time',
        })
        .describe('One certificate as PEM.'),
      cert_digest: optional(z.string()).describe('SHA-256 of the certificate; made, never taken.'),
      tags: tags(),
    }),
  },
  {
    complete(fields, { tools, now }) {
      const read = readPem('cert', 'certificate', () =>
        tools.readCertificate(String(fields['cert'])),
      )
      if (read.validTo <= now * 1000)
        throw refusedEntity('certificate expired, "Not After" time is in the past')
      if (!read.isAuthority) {
        throw refusedEntity(
          'certificate does not appear to be a CA because it is missing the "CA" basic constraint',
        )
      }
      return { ...fields, cert_digest: read.sha256 }
    },
  },
)
