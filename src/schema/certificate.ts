import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { optional, tags } from './fields.ts'
import { certificatePem, keyPem } from './pem.ts'

/** A certificate chain with its private key, shown to clients whose server name leads to it, or to services that ask who calls. Nodes need the key, so it travels inside the sealed snapshot. */
export const certificate = defineEntity({
  name: 'certificate',
  plural: 'certificates',
  about: 'A certificate with its private key, for server names or for calling services.',
  secret: ['key', 'key_alt'],
  reveals: 'writers',
  fields: z.strictObject({
    cert: certificatePem().describe('The certificate, then those that vouch for it; PEM.'),
    key: keyPem().describe('The private key of the certificate; PEM.'),
    cert_alt: optional(certificatePem()).describe(
      'A second certificate with another kind of key, such as ECDSA beside RSA.',
    ),
    key_alt: optional(keyPem()).describe('The private key of the second certificate.'),
    tags: tags(),
  }),
  check({ value, issues }) {
    if ((value['cert_alt'] === null) !== (value['key_alt'] === null)) {
      const message = `all or none of these fields must be set: 'cert_alt', 'key_alt'`
      issues.push({ code: 'custom', message, path: [], input: value })
    }
  },
})

/** A stored certificate. */
export type Certificate = Stored<z.output<typeof certificate.fields>>
