import { expect, test } from 'vitest'
import { randomFrom, randomRequest } from '../../test/harness/random-routes.ts'
import type { RequestHead } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import type { RouteProgram } from './program.ts'
import { checkProtocol } from './check-protocol.ts'

const grpc = { headers: new HeaderList(['Content-Type', 'application/grpc+proto']) }

/** The redirect, or status and headers of the refusal, or nothing. */
function check(protocols: readonly string[], fields: Partial<RequestHead>, status = 426) {
  const request: RequestHead = {
    ...randomRequest(randomFrom(1)),
    scheme: 'http',
    host: 'a.com',
    path: '/a%20b',
    query: 'x=1',
    headers: new HeaderList(),
    ...fields,
  }
  const route = { protocols, https_redirect_status_code: status } as unknown
  try {
    return checkProtocol(request, { route } as RouteProgram)
  } catch (error) {
    const { status, message, headers } = error as Record<string, unknown>
    return { status, message, headers }
  }
}

test.each([
  [['http'], { scheme: 'http' }],
  [['http', 'https'], { scheme: 'https' }],
  [['http'], { upgrade: 'websocket' }],
  [['ws'], { upgrade: 'websocket' }],
  [['wss'], { scheme: 'https', upgrade: 'websocket' }],
  [['grpc'], { ...grpc, http2: true }],
  [['grpc'], { ...grpc, http2: true, scheme: 'https' }],
  [['grpcs'], { ...grpc, http2: true, scheme: 'https' }],
] as const)('a route for %j accepts %j', (protocols, fields) =>
  expect(check(protocols, fields)).toBeUndefined(),
)

const useHttps = {
  status: 426,
  message: 'Please use HTTPS protocol',
  headers: { connection: 'Upgrade', upgrade: 'TLS/1.2, HTTP/1.1' },
}
const noRoute = { status: 404, message: 'no Route matched with those values', headers: {} }
const notGrpc = { status: 415, message: 'Non-gRPC request matched gRPC route', headers: {} }

test.each([
  [['https'], {}, useHttps],
  [['wss'], { upgrade: 'websocket' }, useHttps],
  [['http'], { scheme: 'https' }, noRoute],
  [['ws'], {}, { status: 426, headers: { connection: 'Upgrade', upgrade: 'websocket' } }],
  [['grpc'], {}, notGrpc],
  [['grpcs'], { http2: true, scheme: 'https' }, notGrpc],
  [
    ['grpc'],
    grpc,
    {
      status: 426,
      message: 'Please use HTTP2 protocol',
      headers: { connection: 'Upgrade', upgrade: 'HTTP/2' },
    },
  ],
  [['grpcs'], { ...grpc, http2: true }, { status: 200, headers: { 'grpc-status': '1' } }],
] as const)('a route for %j refuses %j', (protocols, fields, expected) =>
  expect(check(protocols, fields)).toMatchObject(expected),
)

test.each([301, 302, 307, 308])('redirects to https with the status of the route, %d', (status) =>
  expect(check(['https'], {}, status)).toMatchObject({
    status,
    headers: { location: 'https://a.com/a%20b?x=1' },
  }),
)
