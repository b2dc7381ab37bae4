import { escapePath } from '../../lib/normalize-path.ts'
import { Problem } from '../../lib/problem.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import { forwardedFields, forwardedProto } from '../front/forwarded-fields.ts'
import type { HeaderList } from '../header-list.ts'
import { FieldNames, hopByHopOf } from './field-names.ts'
import { forwardPath } from '../match/forward-path.ts'
import type { Program, RouteProgram } from '../program.ts'

/** Finds the route and prepares the request to forward. */
export function findRoute(program: Program, exchange: Exchange): RouteProgram {
  const { request } = exchange
  const match = program.router.match(request)
  if (match === undefined)
    throw new Problem('route.none', 404, 'no Route matched with those values')
  const { route, path, covered } = match
  exchange.routeRef = route.routeRef
  exchange.directory = program.directory
  exchange.routePath = match.pattern
  exchange.findGroups = match.findGroups
  const { strip_path: stripPath, preserve_host: preserveHost } = route.route
  const servicePath = route.service?.service.path ?? null
  const prefix = stripPath ? escapePath(path.slice(0, covered)) : ''
  exchange.forward = {
    path: forwardPath({ path, covered, stripPath, servicePath }),
    query: request.query,
    host: preserveHost ? (request.headers.get('host') ?? request.host) : undefined,
    headers: forwardHeaders(exchange, prefix),
  }
  return route
}

/** Headers by which the gateway identifies the caller to the service. A client must not be able to set them, in any spelling that a server might normalize to them. */
const identityNames = [
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-consumer-groups',
  'x-authenticated-groups',
  'x-credential-identifier',
  'x-anonymous-consumer',
  'x-real-ip',
  'x-kong-request-id',
]

const replacedNames = new FieldNames([
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

function forwardHeaders({ request, id }: Exchange, prefix: string): HeaderList {
  const endsHere = hopByHopOf(request.headers)
  const headers = request.headers.without((name) => replacedNames.hasFolded(name) || endsHere(name))
  const given = forwardedFields(request)
  headers.add('X-Forwarded-For', forwardedFor(request))
  headers.add('X-Forwarded-Proto', forwardedProto(request))
  headers.add('X-Forwarded-Host', given?.get('x-forwarded-host') ?? request.host)
  headers.add(
    'X-Forwarded-Port',
    given?.get('x-forwarded-port') ?? String(request.localPort ?? request.port),
  )
  headers.add('X-Forwarded-Path', given?.get('x-forwarded-path') ?? request.path)
  const forwardedPrefix = given?.get('x-forwarded-prefix') ?? prefix
  if (forwardedPrefix !== '') headers.add('X-Forwarded-Prefix', forwardedPrefix)
  headers.add('X-Real-IP', request.clientAddress)
  headers.add('X-Kong-Request-Id', id)
  return headers
}

/** The peer is appended to what it sent; without a list, the client stands for all hops. */
function forwardedFor({ headers, clientAddress, proxyAddress }: RequestHead): string {
  return headers.get('x-forwarded-for') === undefined
    ? clientAddress
    : [...headers.all('x-forwarded-for'), proxyAddress ?? clientAddress].join(', ')
}
