import { escapePath } from '../lib/normalize-path.ts'
import { Problem } from '../lib/problem.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderList } from './header-list.ts'
import { hopByHopOf } from './hop-by-hop.ts'
import { forwardPath } from './match/forward-path.ts'
import type { Program, RouteProgram } from './program.ts'
import { refuseWrongProtocol } from './refuse-protocol.ts'

/** Puts the matching route into the exchange, with the request as it would be forwarded; refuses what matches none, or came by the wrong protocol. */
export function findRoute(program: Program, exchange: Exchange): RouteProgram {
  const { request } = exchange
  const match = program.router.match(request)
  if (match === undefined)
    throw new Problem('route.none', 404, 'no Route matched with those values')
  const { route, path, covered } = match
  exchange.place = route.place
  exchange.routePath = match.pattern
  exchange.findGroups = match.findGroups
  refuseWrongProtocol(request, route)
  const {
    strip_path: stripPath,
    path_handling: handling,
    preserve_host: preserveHost,
  } = route.route
  const servicePath = route.service?.service.path ?? null
  const prefix = stripPath ? escapePath(path.slice(0, covered)) : ''
  exchange.forward = {
    path: forwardPath({ path, covered, stripPath, handling, servicePath }),
    query: request.query,
    headers: forwardHeaders(exchange, preserveHost, prefix),
  }
  return route
}

/** Names by which the gateway tells the service who calls; a client must not be able to say them itself, in any spelling that a server might fold together. */
const identityNames: ReadonlySet<string> = new Set([
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-consumer-groups',
  'x-authenticated-groups',
  'x-credential-identifier',
  'x-anonymous-consumer',
  'x-real-ip',
  'x-kong-request-id',
])

const replacedNames: ReadonlySet<string> = new Set([
  ...identityNames,
  'host',
  'expect',
  'content-length',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-forwarded-for',
])

function forwardHeaders(
  { request, id }: Exchange,
  preserveHost: boolean,
  prefix: string,
): HeaderList {
  const endsHere = hopByHopOf(request.headers)
  const headers = request.headers.without(
    (name) => endsHere(name) || replacedNames.has(name.replaceAll('_', '-')),
  )
  if (preserveHost) headers.add('Host', request.headers.get('host') ?? request.host)
  const forwarded = request.headers.all('x-forwarded-for')
  headers.add('X-Forwarded-For', [...forwarded, request.clientAddress].join(', '))
  headers.add('X-Forwarded-Proto', request.scheme)
  headers.add('X-Forwarded-Host', request.host)
  headers.add('X-Forwarded-Port', String(request.port))
  headers.add('X-Forwarded-Path', request.path)
  if (prefix !== '') headers.add('X-Forwarded-Prefix', prefix)
  headers.add('X-Real-IP', request.clientAddress)
  headers.add('X-Kong-Request-Id', id)
  return headers
}
