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
  'udp',
  'ws',
  'wss',
])

export const route = defineEntity(
  {
    name: 'route',
    plural: 'routes',
    about:
      'A rule that matches requests by protocol, host, path, method or headers and assigns them to a service.',
    key: 'name',
    unique: ['name'],
    naturalKey: ['service', 'methods', 'hosts', 'paths', 'headers', 'snis', 'expression'],
    document: { nestsUnder: ['service'] },
    refersTo: { service: 'service' },
    fields: z.strictObject({
      name: optional(entityName()).describe(
        'Name of the route. Unique in the workspace; accepted in place of the id in paths.',
      ),
      service: optional(reference()).describe(
        'The service that receives matching requests. Without one, a plugin must answer them.',
      ),
      protocols: z
        .array(protocol)
        .min(1)
        .default(['http', 'https'])
        .describe(
          'Accepted protocols, of one of the families http/https, grpc/grpcs, ws/wss, tcp/tls/udp or tls_passthrough.',
        ),
      methods: optional(
        z.array(
          z
            .string()
            .regex(/^[A-Z]+$/, { error: (issue) => `invalid value: ${String(issue.input)}` }),
        ),
      ),
      hosts: optional(z.array(hostPattern())).describe(
        'Accepted hosts, with an optional port. The first or last label may be `*`. Any host when null.',
      ),
      paths: optional(z.array(pathPattern())).describe(
        'Accepted paths: prefixes, or regular expressions that start with `~/`. Any path when null.',
      ),
      headers: optional(z.record(z.string().min(1), z.array(headerPattern()))).describe(
        'Required headers: name → accepted values. A value that starts with `~*` is a regular expression.',
      ),
      snis: optional(z.array(serverName())).describe(
        'Accepted server names (SNI) of the TLS handshake. The first or last label may be `*`. Not checked for requests without TLS.',
      ),
      sources: optional(z.array(endpoint())).describe(
        'Accepted sources of TCP and UDP streams: IP address or CIDR range, port, or both.',
      ),
      destinations: optional(z.array(endpoint())).describe(
        'Accepted destinations of TCP and UDP streams: IP address or CIDR range, port, or both.',
      ),
      expression: optional(z.string().min(1)).describe(
        'Accepted requests or connections as an expression of the router language of Kong (ATC), in place of methods, hosts, paths, headers, snis, sources and destinations. Routes with an expression precede all others.',
      ),
      priority: optional(between(0, 2 ** 46 - 1)).describe(
        'Precedence among routes with an expression; higher values are tried first. 0 when null.',
      ),
      https_redirect_status_code: z
        .union([z.literal(426), z.literal(301), z.literal(302), z.literal(307), z.literal(308)], {
          error: 'expected one of: 426, 301, 302, 307, 308',
        })
        .default(426)
        .describe(
          'Status of the answer to a plain HTTP request when the route accepts only https. 301, 302, 307 and 308 redirect.',
        ),
      regex_priority: between(0, 2 ** 31 - 1)
        .default(0)
        .describe('Precedence among regular expressions; higher values are tried first.'),
      strip_path: z
        .boolean()
        .default(true)
        .describe(
          'Remove the matched prefix from the forwarded path. Defaults to false for grpc and grpcs.',
        ),
      path_handling: z
        .enum(['v0', 'v1'])
        .default('v0')
        .describe(
          'Accepted for compatibility. The path of the service and the path of the request are joined with a single slash, as v0; the default router of Kong ignores v1 too.',
        ),
      preserve_host: z
        .boolean()
        .default(false)
        .describe('Forward the Host header of the client instead of the host of the service.'),
      request_buffering: z
        .boolean()
        .default(true)
        .describe(
          'Receive the request body before contacting the service, as far as it fits in the buffer. false streams it.',
        ),
      response_buffering: z
        .boolean()
        .default(true)
        .describe(
          'Buffer the response of the service before sending it. false passes on every part at once.',
        ),
      tags: tags(),
    }),
    check: checkRoute,
  },
  {
    describe: ({ id, fields: { name, hosts, paths, expression } }) =>
      name ?? hosts?.[0] ?? paths?.[0] ?? expression ?? id,
    // As in Kong, strip_path defaults to false for gRPC.
    normalize(body) {
      const { protocols, strip_path: stripPath } = body
      const isGrpc =
        Array.isArray(protocols) && protocols.some((one) => /^grpcs?$/.test(String(one)))
      return isGrpc && stripPath === undefined ? { ...body, strip_path: false } : body
    },
  },
)
