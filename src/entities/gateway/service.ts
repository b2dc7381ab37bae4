import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import type { Body } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import { between, entityName, host, optional, reference, tags, timeout, uuid } from '../fields.ts'

/** An application behind the gateway. */
export const service = defineEntity(
  {
    name: 'service',
    plural: 'services',
    about: 'An application behind the gateway: where its requests go, and how patiently.',
    key: 'name',
    unique: ['name'],
    naturalKey: ['host', 'port', 'path'],
    refersTo: { client_certificate: 'certificate' },
    fields: z.strictObject({
      name: optional(entityName()).describe(
        'Unique in the workspace; paths may use it instead of the id.',
      ),
      protocol: z
        .enum(['http', 'https', 'ws', 'wss', 'grpc', 'grpcs', 'tcp', 'tls', 'tls_passthrough'])
        .default('http')
        .describe('How to speak to the service.'),
      host: host().describe('Host name or address of the service, or the name of an upstream.'),
      port: between(0, 65_535)
        .default(80)
        .describe('Port of the service; ignored when host names an upstream.'),
      path: optional(z.string().refine(isServicePath, { error: 'should start with: /' })).describe(
        'Put before the path of every forwarded request.',
      ),
      retries: between(0, 32_767)
        .default(5)
        .describe('How many more times to try after a failure to connect or to answer.'),
      connect_timeout: timeout().describe('Milliseconds to establish a connection.'),
      write_timeout: timeout().describe('Milliseconds between two writes to the service.'),
      read_timeout: timeout().describe('Milliseconds between two reads from the service.'),
      client_certificate: optional(reference()).describe(
        'The certificate to show when the service asks who calls.',
      ),
      tls_verify: optional(z.boolean()).describe(
        'Whether the service must prove its name; it need not when unset, as in Kong.',
      ),
      tls_verify_depth: optional(between(0, 64)).describe(
        'Most certificates between that of the service and a trusted one.',
      ),
      ca_certificates: optional(z.array(uuid())).describe(
        'Ids of the CA certificates that are trusted; those of the system when unset.',
      ),
      enabled: z
        .boolean()
        .default(true)
        .describe('A disabled service takes its routes out of the router.'),
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
    describe: ({ fields: { name, host, port, path } }) => name ?? `${host}:${port}${path ?? ''}`,
  },
)

const pathless: ReadonlySet<string> = new Set(['grpc', 'grpcs', 'tcp', 'tls', 'tls_passthrough'])
const secure: ReadonlySet<string> = new Set(['https', 'wss', 'grpcs', 'tls'])
const tlsFields = ['client_certificate', 'tls_verify', 'tls_verify_depth', 'ca_certificates']

function isServicePath(path: string): boolean {
  return path.startsWith('/') && !path.includes('//')
}

const securePorts: Readonly<Record<string, number>> = { https: 443, wss: 443 }

/** `url` stands for protocol, host, port and path. */
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
    path: pathname === '/' && !url.endsWith('/') ? null : pathname,
  }
}
