import { escapePath } from '../../lib/normalize-path.ts'
import { Problem } from '../../lib/problem.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import { forwardedFields, forwardedProto } from '../front/forwarded-fields.ts'
import type { HeaderList } from '../header-list.ts'
import { checkRequest } from './check-request.ts'
import { acceptsTrailers, hopByHopOf } from './hop-by-hop.ts'
import { isReplaced } from './request-fields.ts'
import { removeOwnCookies } from './own-cookies.ts'
import { forwardedVia, isLoop } from './via.ts'
import { forwardPath } from '../match/forward-path.ts'
import type { Program, RouteProgram } from '../program.ts'

/** Finds the route and prepares the request to forward. */
export function findRoute(program: Program, exchange: Exchange): RouteProgram {
  const { request } = exchange
  checkRequest(request)
  removeOwnCookies(request.headers)
  const match = program.router.match(request)
  if (match === undefined)
    throw new Problem('route.none', 404, 'no Route matched with those values')
  const { route, path, covered } = match
  exchange.routeRef = route.routeRef
  exchange.matched = route
  exchange.directory = program.directory
  exchange.routePath = match.pattern
  exchange.findGroups = match.findGroups
  const { strip_path: stripPath, preserve_host: preserveHost } = route.route
  const servicePath = route.service?.service.path ?? null
  if (isLoop(request, route.viaName, exchange.settings.instance))
    throw new Problem(
      'request.loop',
      508,
      'Loop detected: the request already passed through this route',
    )
  const prefix = stripPath && covered > 1 ? escapePath(path.slice(0, covered)) : ''
  exchange.forward = {
    path: forwardPath({ path, covered, stripPath, servicePath }),
    query: request.query,
    host: preserveHost ? (request.headers.get('host') ?? request.host) : undefined,
    headers: forwardHeaders(exchange, prefix, route.viaName),
  }
  return route
}

function forwardHeaders(exchange: Exchange, prefix: string, viaName: string): HeaderList {
  const { request, settings } = exchange
  const endsHere = hopByHopOf(request.headers)
  const headers = request.headers.without((name) => isReplaced(name) || endsHere(name))
  if (acceptsTrailers(request)) headers.add('TE', 'trailers')
  if (request.headers.get('trailer') !== undefined && request.upgrade === '')
    headers.add('Trailer', request.headers.all('trailer').join(', '))
  headers.add('Via', forwardedVia(request, viaName, settings.instance))
  addForwarded(headers, request, prefix)
  headers.add('X-Real-IP', request.clientAddress)
  if (settings.sendsRequestId) headers.add('X-Kong-Request-Id', exchange.requestId)
  return headers
}

/** Forwards the values of a trusted proxy, otherwise those of this gateway. */
function addForwarded(headers: HeaderList, request: RequestHead, prefix: string): void {
  const given = forwardedFields(request)
  headers.add('X-Forwarded-For', forwardedFor(request))
  headers.add('X-Forwarded-Proto', forwardedProto(request))
  headers.add('X-Forwarded-Host', given?.get('x-forwarded-host') ?? request.host)
  const port = given?.get('x-forwarded-port') ?? String(request.localPort ?? request.port)
  headers.add('X-Forwarded-Port', port)
  headers.add('X-Forwarded-Path', given?.get('x-forwarded-path') ?? request.path)
  const forwardedPrefix = given?.get('x-forwarded-prefix') ?? prefix
  if (forwardedPrefix !== '') headers.add('X-Forwarded-Prefix', forwardedPrefix)
}

/** The peer is appended to the list that it sent; without a list, the client is the only hop. */
function forwardedFor({ headers, clientAddress, proxyAddress }: RequestHead): string {
  return headers.get('x-forwarded-for') === undefined
    ? clientAddress
    : [...headers.all('x-forwarded-for'), proxyAddress ?? clientAddress].join(', ')
}
