import { Problem } from '../lib/problem.ts'
import type { Exchange, RequestHead } from './exchange.ts'
import type { HeaderList } from './header-list.ts'
import { hopByHopOf } from './hop-by-hop.ts'
import { forwardPath } from './match/forward-path.ts'
import { matchRoute, type Match } from './match/match-route.ts'
import type { Program, RouteProgram } from './program.ts'

/** Puts the matching route into the exchange, with the request as it would be forwarded; refuses what matches none, or came by the wrong protocol. */
export function findRoute(program: Program, exchange: Exchange): RouteProgram {
  const { request } = exchange
  const match = matchRoute(program.matchers, request)
  if (match === undefined)
    throw new Problem('route.none', 404, 'no Route matched with those values')
  const { route } = match
  exchange.place = route.place
  exchange.routePath = match.pattern
  refuseWrongProtocol(request, match)
  const {
    strip_path: stripPath,
    path_handling: handling,
    preserve_host: preserveHost,
  } = route.route
  const servicePath = route.service?.service.path ?? null
  exchange.forward = {
    path: forwardPath({
      path: match.path,
      covered: match.covered,
      stripPath,
      handling,
      servicePath,
    }),
    query: request.query,
    headers: forwardHeaders(
      exchange,
      preserveHost,
      stripPath ? match.path.slice(0, match.covered) : '',
    ),
  }
  return route
}

function refuseWrongProtocol(request: RequestHead, match: Match<RouteProgram>): void {
  const accepts = (scheme: string): boolean => match.protocols.includes(scheme)
  const socketScheme = request.scheme === 'https' ? 'wss' : 'ws'
  if (accepts(request.scheme) || (request.upgrade === 'websocket' && accepts(socketScheme))) return
  if (request.scheme === 'https')
    throw new Problem('route.protocol', 404, 'no Route matched with those values')
  const status = match.route.route.https_redirect_status_code
  if (status === 426) {
    throw new Problem('route.https', 426, 'Please use HTTPS protocol', {
      headers: { connection: 'Upgrade', upgrade: 'TLS/1.2, HTTP/1.1' },
    })
  }
  const query = request.query === '' ? '' : `?${request.query}`
  throw new Problem('route.redirect', status, 'Please use HTTPS protocol', {
    headers: { location: `https://${request.host}${request.path}${query}` },
  })
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
