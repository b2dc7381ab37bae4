import { Problem } from '../lib/problem.ts'
import type { RequestHead } from './exchange.ts'
import type { RouteProgram } from './program.ts'

/** Refuses a request that its route accepts in everything but the protocol, and says which one to use, in Kong's words. */
export function refuseWrongProtocol(request: RequestHead, { route }: RouteProgram): void {
  const { protocols } = route
  const isSecure = request.scheme === 'https'
  const takes = (plain: string, secure: string): boolean =>
    protocols.some((protocol) => protocol === (isSecure ? secure : plain))
  if (protocols.some((protocol) => protocol === 'grpc' || protocol === 'grpcs')) {
    refuseNonGrpc(request)
    if (!isSecure && !takes('grpc', 'grpcs')) throw useGrpcs()
    return
  }
  const isSocket = request.upgrade === 'websocket'
  if (takes('http', 'https') || (isSocket && takes('ws', 'wss'))) return
  if (!isSocket && takes('ws', 'wss')) throw useWebSocket()
  if (isSecure) throw new Problem('route.protocol', 404, 'no Route matched with those values')
  throw useHttps(request, route.https_redirect_status_code)
}

function refuseNonGrpc({ headers, http2 }: RequestHead): void {
  if (headers.get('content-type')?.startsWith('application/grpc') !== true)
    throw new Problem('route.grpc', 415, 'Non-gRPC request matched gRPC route')
  if (http2 !== true) {
    throw new Problem('route.http2', 426, 'Please use HTTP2 protocol', {
      headers: { connection: 'Upgrade', upgrade: 'HTTP/2' },
    })
  }
}

/** A gRPC client reads its status from fields of an answer that is 200. */
const useGrpcs = (): Problem =>
  new Problem('route.grpcs', 200, 'gRPC request matched gRPCs route', {
    headers: { 'grpc-status': '1', 'grpc-message': 'gRPC request matched gRPCs route' },
    detail: { answer: { type: 'application/grpc', body: '' } },
  })

const useWebSocket = (): Problem =>
  new Problem('route.websocket', 426, 'Please use WebSocket protocol', {
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  })

function useHttps({ host, path, query }: RequestHead, status: number): Problem {
  if (status === 426) {
    return new Problem('route.https', 426, 'Please use HTTPS protocol', {
      headers: { connection: 'Upgrade', upgrade: 'TLS/1.2, HTTP/1.1' },
    })
  }
  const location = `https://${host}${path}${query === '' ? '' : `?${query}`}`
  return new Problem('route.redirect', status, 'Please use HTTPS protocol', {
    headers: { location },
  })
}
