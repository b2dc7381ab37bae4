import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { between, entityName, optional, reference, tags } from '../fields.ts'
import { endpoint, headerPattern, hostPattern, pathPattern, serverName } from './route-patterns.ts'
import { checkRoute } from './route-rules.ts'

const protocol = z.enum([
  'http',
  'https',
  'grpc',
  'grpcs',
  'tcp',
  'tls',
  'tls_passthrough',
  'ws',
  'wss',
])

/** How a request is recognised as being for a service. */
export const route = defineEntity(
  {
    name: 'route',
    plural: 'routes',
    about: 'How a request is recognised as being for a service.',
    key: 'name',
    unique: ['name'],
    naturalKey: ['service', 'methods', 'hosts', 'paths', 'headers', 'snis'],
    document: { nestsUnder: ['service'] },
    refersTo: { service: 'service' },
    fields: z.strictObject({
      name: optional(entityName()).describe(
        'Unique in the workspace; paths may use it instead of the id.',
      ),
      service: optional(reference()).describe('Where matching requests go.'),
      protocols: z
        .array(protocol)
        .min(1)
        .default(['http', 'https'])
        .describe('Protocols this route accepts.'),
      methods: optional(
        z.array(
          z
            .string()
            .regex(/^[A-Z]+$/, { error: (issue) => `invalid value: ${String(issue.input)}` }),
        ),
      ),
      hosts: optional(z.array(hostPattern())).describe(
        'Host names; one leading or trailing * stands for any label.',
      ),
      paths: optional(z.array(pathPattern())).describe(
        'Prefixes, or regular expressions after a leading ~.',
      ),
      headers: optional(z.record(z.string().min(1), z.array(headerPattern()))).describe(
        'Header name → accepted values; ~* starts a regular expression.',
      ),
      snis: optional(z.array(serverName())).describe(
        'Server names of the TLS handshake; not asked of requests without TLS.',
      ),
      sources: optional(z.array(endpoint())).describe(
        'Where streams may come from: addresses or ranges, ports, or both.',
      ),
      destinations: optional(z.array(endpoint())).describe(
        'Where streams may have been sent to: addresses or ranges, ports, or both.',
      ),
      https_redirect_status_code: z
        .union([z.literal(426), z.literal(301), z.literal(302), z.literal(307), z.literal(308)], {
          error: 'expected one of: 426, 301, 302, 307, 308',
        })
        .default(426),
      regex_priority: between(0, 2 ** 31 - 1)
        .default(0)
        .describe('Of two matching regular expressions the higher wins.'),
      strip_path: z
        .boolean()
        .default(true)
        .describe('Take the matched part away from the forwarded path.'),
      path_handling: z.enum(['v0', 'v1']).default('v0'),
      preserve_host: z
        .boolean()
        .default(false)
        .describe('Forward the Host of the client instead of the service’s.'),
      request_buffering: z.boolean().default(true),
      response_buffering: z.boolean().default(true),
      tags: tags(),
    }),
    check: checkRoute,
  },
  {
    describe: ({ id, fields: { name, hosts, paths } }) => name ?? hosts?.[0] ?? paths?.[0] ?? id,
    // As Kong concludes: a route of gRPC keeps its path, unless it says otherwise.
    normalize(body) {
      const { protocols, strip_path: stripPath } = body
      const isGrpc =
        Array.isArray(protocols) && protocols.some((one) => /^grpcs?$/.test(String(one)))
      return isGrpc && stripPath === undefined ? { ...body, strip_path: false } : body
    },
  },
)
