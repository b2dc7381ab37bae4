import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'
import { certificatePem, certificatesIn, readPem, entityViolation } from './pem.ts'

export const caCertificate = defineEntity(
  {
    name: 'ca-certificate',
    plural: 'ca_certificates',
    about:
      'A trusted certificate authority, which verifies the certificates of services and clients.',
    inWorkspace: false,
    unique: ['cert_digest'],
    naturalKey: ['cert'],
    document: { part: 'gateway' },
    fields: z.strictObject({
      cert: certificatePem()
        .refine((text) => certificatesIn(text).length <= 1, {
          error: 'please submit only one certificate at a time',
        })
        .describe('A single CA certificate, PEM encoded. Must not be expired.'),
      cert_digest: optional(z.string()).describe(
        'SHA-256 of the DER-encoded certificate, in hex. Read-only; a given value is ignored.',
      ),
      tags: tags(),
    }),
  },
  {
    complete(fields, { tools, now }) {
      const read = readPem('cert', 'certificate', () =>
        tools.readCertificate(String(fields['cert'])),
      )
      if (read.validTo <= now * 1000)
        throw entityViolation('certificate expired, "Not After" time is in the past')
      if (!read.isAuthority) {
        throw entityViolation(
          'certificate does not appear to be a CA because it is missing the "CA" basic constraint',
        )
      }
      return { ...fields, cert_digest: read.sha256 }
    },
  },
)
