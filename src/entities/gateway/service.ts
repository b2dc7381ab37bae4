import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { checkAddress } from '../check-address.ts'
import type { Body } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import { between, entityName, host, optional, reference, tags, timeout, uuid } from '../fields.ts'

export const service = defineEntity(
  {
    name: 'service',
    plural: 'services',
    about:
      'An upstream application: the address, protocol, timeouts and TLS settings for forwarded requests.',
    key: 'name',
    unique: ['name'],
    naturalKey: ['host', 'port', 'path'],
    refersTo: { client_certificate: 'certificate' },
    fields: z.strictObject({
      name: optional(entityName()).describe(
        'Name of the service. Unique in the workspace; accepted in place of the id in paths.',
      ),
      protocol: z
        .enum([
          'http',
          'https',
          'ws',
          'wss',
          'grpc',
          'grpcs',
          'tcp',
          'tls',
          'tls_passthrough',
          'udp',
        ])
        .default('http')
        .describe('Protocol to the service.'),
      host: host().describe('Host name or IP address of the service, or the name of an upstream.'),
      port: between(0, 65_535)
        .default(80)
        .describe('Port of the service. Ignored when `host` is the name of an upstream.'),
      path: optional(z.string().refine(isServicePath, { error: 'should start with: /' })).describe(
        'Prefix of the path of forwarded requests. Starts with a slash.',
      ),
      retries: between(0, 32_767)
        .default(5)
        .describe('Maximum number of retries after a failed connection or a missing response.'),
      connect_timeout: timeout().describe(
        'Timeout for establishing a connection, in milliseconds.',
      ),
      write_timeout: timeout().describe(
        'Timeout between two successive writes to the service, in milliseconds.',
      ),
      read_timeout: timeout().describe(
        'Timeout between two successive reads from the service, in milliseconds.',
      ),
      client_certificate: optional(reference()).describe(
        'Client certificate for TLS to the service. Only with https, wss, grpcs or tls.',
      ),
      tls_verify: optional(z.boolean()).describe(
        'Verify the certificate and the name of the service. Not verified when null, as in Kong.',
      ),
      tls_verify_depth: optional(between(0, 64)).describe(
        'Maximum number of intermediate certificates between that of the service and a trusted CA.',
      ),
      ca_certificates: optional(z.array(uuid())).describe(
        'Ids of trusted CA certificates. The CAs of the system when null.',
      ),
      enabled: z.boolean().default(true).describe('The routes of a disabled service do not match.'),
      tags: tags(),
    }),
    check({ value, issues }) {
      const protocol = String(value['protocol'])
      const forbidden = [
        ...(pathless.has(protocol) ? ['path'] : []),
        ...(secure.has(protocol) ? [] : tlsFields),
      ]
      for (const field of forbidden) {
        if (value[field] !== null)
          issues.push({
            code: 'custom',
            message: 'value must be null',
            path: [field],
            input: value,
          })
      }
    },
  },
  {
    normalize: expandUrl,
    complete(fields, { refusalOf }) {
      checkAddress('host', String(fields['host']), Number(fields['port']), refusalOf)
      return fields
    },
    describe: ({ fields: { name, host, port, path } }) => name ?? `${host}:${port}${path ?? ''}`,
  },
)

const pathless: ReadonlySet<string> = new Set([
  'grpc',
  'grpcs',
  'tcp',
  'tls',
  'tls_passthrough',
  'udp',
])
const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])
const tlsFields = ['client_certificate', 'tls_verify', 'tls_verify_depth', 'ca_certificates']

function isServicePath(path: string): boolean {
  return path.startsWith('/') && !path.includes('//')
}

const securePorts: Readonly<Record<string, number>> = { https: 443, wss: 443 }

/** URLs of other schemes than http, https, ws and wss have an empty path instead of a slash. */
const pathIn = (url: string, pathname: string): string | null =>
  pathname === '' || (pathname === '/' && !url.endsWith('/')) ? null : pathname

/** Kong's shorthand `url` sets protocol, host, port and path. */
function expandUrl(body: Body): Body {
  const { url, ...rest } = body
  if (url === undefined || url === null) return rest
  if (typeof url !== 'string') throw schemaViolation({ url: 'expected a string' })
  if (!URL.canParse(url)) throw schemaViolation({ url: 'missing host in url' })
  const { protocol: scheme, hostname, port, pathname, search, hash } = new URL(url)
  if (hostname === '') throw schemaViolation({ url: 'missing host in url' })
  if (search !== '' || hash !== '') {
    throw schemaViolation({ url: 'a query or fragment cannot be part of a service' })
  }
  const protocol = scheme.slice(0, -1)
  return {
    ...rest,
    protocol,
    host: hostname,
    port: port === '' ? (securePorts[protocol] ?? 80) : Number(port),
    path: pathIn(url, pathname),
  }
}
