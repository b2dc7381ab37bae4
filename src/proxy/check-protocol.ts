import { Problem } from '../lib/problem.ts'
import type { RequestHead } from './exchange.ts'
import { forwardedFields, forwardedProto } from './front/forwarded-fields.ts'
import type { PluginAnswer } from './plugin.ts'
import type { RouteProgram } from './program.ts'

/** For a request that its route accepts in everything but the protocol: returns the redirect to https, or throws Kong's refusal. */
export function checkProtocol(
  request: RequestHead,
  { route }: RouteProgram,
): PluginAnswer | undefined {
  const { protocols } = route
  const isSecure = request.scheme === 'https'
  const isForwardedSecure = forwardedProto(request) === 'https'
  const takes = (plain: string, secure: string): boolean =>
    protocols.some((protocol) =>
      protocol === plain ? !isSecure : protocol === secure && isForwardedSecure,
    )
  if (protocols.some((protocol) => protocol === 'grpc' || protocol === 'grpcs')) {
    refuseNonGrpc(request)
    if (!isForwardedSecure && !takes('grpc', 'grpcs')) throw useGrpcs()
    return undefined
  }
  const isSocket = request.upgrade === 'websocket'
  if (takes('http', 'https') || (isSocket && takes('ws', 'wss'))) return undefined
  if (!isSocket && takes('ws', 'wss')) throw useWebSocket()
  const isSecureRoute = protocols.some((protocol) => protocol === 'https' || protocol === 'wss')
  if (isSecure && !isSecureRoute)
    throw new Problem('route.protocol', 404, 'no Route matched with those values')
  return redirectToHttps(request, route.https_redirect_status_code)
}

/** By content type: application/grpc, application/grpc+proto and the like (gRPC over HTTP/2, "Requests"). */
export const isGrpc = ({ headers }: Pick<RequestHead, 'headers'>): boolean =>
  /^application\/grpc(?:$|[+;\s])/i.test(headers.get('content-type') ?? '')

function refuseNonGrpc(request: RequestHead): void {
  if (!isGrpc(request)) throw new Problem('route.grpc', 415, 'Non-gRPC request matched gRPC route')
  if (request.http2 !== true) {
    throw new Problem('route.http2', 426, 'Please use HTTP2 protocol', {
      headers: { connection: 'Upgrade', upgrade: 'HTTP/2' },
    })
  }
}

/** A gRPC client reads its status from fields of an answer that is 200. */
const useGrpcs = (): Problem =>
  new Problem('route.grpcs', 200, 'gRPC request matched gRPCs route', {
    headers: { 'grpc-status': '1' },
  })

const useWebSocket = (): Problem =>
  new Problem('route.websocket', 426, 'Please use WebSocket protocol', {
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  })

/** The upgrade that 426 asks for is a refusal; a redirect is an answer like any other. */
function redirectToHttps(request: RequestHead, status: number): PluginAnswer {
  const { path, query } = request
  if (status === 426) {
    throw new Problem('route.https', 426, 'Please use HTTPS protocol', {
      headers: { connection: 'Upgrade', upgrade: 'TLS/1.2, HTTP/1.1' },
    })
  }
  const host = forwardedFields(request)?.get('x-forwarded-host') ?? request.host
  const location = `https://${host}${path}${query === '' ? '' : `?${query}`}`
  return { status, headers: { location }, message: 'Please use HTTPS protocol' }
}
