import { z } from 'zod'
import { optional, uuid } from '../../entities/fields.ts'
import { anonymousSetting } from '../authentication/settings.ts'

const unused = 'Accepted for Kong, without effect:'

export const settings = z.strictObject({
  anonymous: anonymousSetting('a valid certificate'),
  ca_certificates: z
    .array(uuid())
    .min(1)
    .describe('Ids of the CA certificates of which one must have issued the certificate.'),
  allow_partial_chain: z
    .boolean()
    .default(false)
    .describe(
      'Trust intermediate certificates among `ca_certificates` without their root. Without it each chain must end at a self-signed one.',
    ),
  consumer_by: z
    .array(z.enum(['username', 'custom_id']))
    .default(['username', 'custom_id'])
    .describe(
      'Fields of consumers in which the names of certificates are looked up when no credential has them. Empty for credentials only.',
    ),
  default_consumer: optional(z.string()).describe(
    'Id or username of the consumer for trusted certificates whose names are of no consumer.',
  ),
  skip_consumer_lookup: z
    .boolean()
    .default(false)
    .describe(
      'Accept every trusted certificate, without a consumer. Services get its names in X-Client-Cert-Dn and X-Client-Cert-San.',
    ),
  authenticated_group_by: z
    .enum(['CN', 'DN'])
    .nullable()
    .default('CN')
    .describe(
      'With `skip_consumer_lookup`, what the acl plugin matches as the group of the caller: the common name or the distinguished name.',
    ),
  revocation_check_mode: z
    .enum(['SKIP', 'IGNORE_CA_ERROR', 'STRICT'])
    .default('SKIP')
    .refine((mode) => mode !== 'STRICT', {
      error: 'revocation is not checked; STRICT cannot be kept. Allowed: SKIP, IGNORE_CA_ERROR',
    })
    .describe(
      'Revocation is not checked, neither by OCSP nor by CRLs. `IGNORE_CA_ERROR`, Kong’s default, is accepted and means `SKIP`; `STRICT` is refused.',
    ),
  send_ca_dn: z
    .boolean()
    .default(false)
    .describe(`${unused} handshakes always name the accepted CAs, so that browsers can choose.`),
  cache_ttl: z
    .number()
    .min(0)
    .default(60)
    .describe(`${unused} results are kept with the connection, as long as nothing changes.`),
  cert_cache_ttl: z.number().min(0).default(60_000).describe(`${unused} it is of revocation.`),
  http_timeout: z.number().min(0).default(30_000).describe(`${unused} it is of revocation.`),
  http_proxy_host: optional(z.string()).describe(`${unused} it is of revocation.`),
  http_proxy_port: optional(z.int().min(0).max(65_535)).describe(`${unused} it is of revocation.`),
  https_proxy_host: optional(z.string()).describe(`${unused} it is of revocation.`),
  https_proxy_port: optional(z.int().min(0).max(65_535)).describe(`${unused} it is of revocation.`),
})

export type Settings = z.output<typeof settings>
