import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Problem } from '../../lib/problem.ts'
import type { Reply, RequestBody, RequestHead } from '../exchange.ts'
import { openNodeReply } from './node-reply.ts'
import { isWebSocket, plainAddress, readHead } from './read-head.ts'
import { openRequestBody } from './request-body.ts'

/** What the front hands on. */
export type FrontEvents = {
  /** A request whose head is complete. Returns what to call when the client leaves before its answer ended. */
  onRequest(head: RequestHead, body: RequestBody, reply: Reply): () => void
  /** Bytes that are no request; the answer is given, then the connection ends. */
  onMalformed(problem: Problem, reply: Reply, clientAddress: string): void
}

/** Limits of the front. */
export type FrontLimits = {
  /** Largest request head in bytes. */
  readonly headBytes: number
  /** Largest request body in bytes; 0 for no limit. */
  readonly bodyBytes: number
}

/** Opens the HTTP/1.1 front on Node's own server; the caller lets it listen. */
export function openFront(events: FrontEvents, limits: FrontLimits): http.Server {
  const server = http.createServer({
    maxHeaderSize: limits.headBytes,
    requestTimeout: 0,
    headersTimeout: 60_000,
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 5_000,
    requireHostHeader: true,
    noDelay: true,
    shouldUpgradeCallback: isWebSocket,
  })
  const busy = new WeakMap<Duplex, number>()
  const accept = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    busy.set(socket, (busy.get(socket) ?? 0) + 1)
    const body = openRequestBody(request, limits.bodyBytes)
    const leave = events.onRequest(readHead(request), body, openNodeReply(response, server))
    response.on('close', () => {
      busy.set(socket, (busy.get(socket) ?? 1) - 1)
      if (!response.writableFinished) leave()
    })
    request.on('error', () => undefined)
  }
  server.on('request', accept)
  server.on('upgrade', (request, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    accept(request, responseOn(request, socket))
  })
  server.on(
    'connect',
    (_request, socket) =>
      void socket.end(
        'HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      ),
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const problem = malformedProblem(error.code ?? '')
    const address = (socket as { remoteAddress?: string }).remoteAddress ?? ''
    if (problem === undefined || !socket.writable || (busy.get(socket) ?? 0) > 0) socket.destroy()
    else events.onMalformed(problem, rawReply(socket), plainAddress(address))
  })
  return server
}

/** A response for a request whose connection Node has already let go of. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new http.ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.on('finish', () => {
    if (response.statusCode !== 101) socket.end()
  })
  socket.on('error', () => socket.destroy())
  return response
}

function malformedProblem(code: string): Problem | undefined {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('request.head_too_large', 431, 'Request header fields too large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('request.timeout', 408, 'Request timeout')
  if (code.startsWith('HPE_')) return new Problem('request.malformed', 400, 'Bad request')
  return undefined
}

/** The way back on a connection on which no request could be understood. */
function rawReply(socket: Duplex): Reply {
  let head = ''
  return {
    begin(status, headers) {
      const lines = headers.flat.flatMap((name, at) =>
        at % 2 === 0 ? [`${name}: ${headers.flat[at + 1]}\r\n`] : [],
      )
      head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n${lines.join('')}\r\n`
    },
    write: () => true,
    onWritable: () => undefined,
    finish: (last) =>
      void socket.end(Buffer.concat([Buffer.from(head, 'latin1'), last ?? Buffer.alloc(0)])),
    abort: () => void socket.destroy(),
  }
}
