import { nowMicroseconds } from '../../lib/clock.ts'
import type { Problem } from '../../lib/problem.ts'
import { applyTransforms } from '../answer-changes.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import type { PluginAnswer } from '../plugin.ts'

/** Renders a problem in Kong's form, and returns a function that sends it; if a part of another answer was sent, that one breaks the connection. */
export function sendProblem(problem: Problem, exchange: Exchange): () => void {
  const { status, message } = problem
  exchange.refuse(
    status < 500 && status !== 499 ? 'denied' : 'failed',
    problem.code.startsWith('route.') ? 'router' : 'gateway',
    problem,
  )
  if (exchange.begun || exchange.isClientGone) {
    if (!exchange.begun) exchange.status = 499
    return () => exchange.reply.abort()
  }
  exchange.status = status
  if (readsGrpcStatus(exchange.request)) return sendGrpcStatus(problem, exchange)
  const { type, body } = renderMessage(message, exchange)
  const headers = ownHeaders(problem.headers, exchange)
  headers.set('Content-Type', type)
  return sendOwn(status, { headers, body }, exchange)
}

/** Returns a function that sends an answer of a plugin, or of the gateway itself. */
export function sendPluginAnswer(answer: PluginAnswer, exchange: Exchange): () => void {
  const { status, message } = answer
  const given = answer.headers ?? {}
  checkAnswer(status, given)
  exchange.status = status
  if (message !== undefined && readsGrpcStatus(exchange.request))
    return sendGrpcStatus({ status, message, headers: given }, exchange)
  const headers = ownHeaders(given, exchange)
  if (answer.serviceHeaders !== undefined)
    headers.flat.unshift(...(exchange.serviceHeaders?.flat ?? []))
  if (message === undefined) return sendOwn(status, { headers, body: answer.body ?? '' }, exchange)
  const { type, body } = renderMessage(message, exchange)
  headers.set('Content-Type', type)
  return sendOwn(status, { headers, body }, exchange)
}

function checkAnswer(status: number, headers: Readonly<Record<string, string>>): void {
  if (!Number.isInteger(status) || status < 100 || status > 599)
    throw new TypeError(`an answer has the status ${status}`)
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[\r\n\0]/.test(value))
      throw new TypeError(`an answer has the malformed header ${JSON.stringify(name)}`)
  }
}

type OwnAnswer = { readonly headers: HeaderList; readonly body: string | Uint8Array }

function sendOwn(status: number, { headers, body }: OwnAnswer, exchange: Exchange): () => void {
  const given = typeof body === 'string' ? Buffer.from(body) : body
  const change = applyTransforms(exchange.answerTransforms, headers)
  const bytes = change === undefined || given.length === 0 ? given : change(Buffer.from(given))
  const isBodyless = exchange.request.method === 'HEAD' || status === 204 || status === 304
  // A stored answer to HEAD names the length of a body that it does not have.
  const isStoredHead =
    exchange.request.method === 'HEAD' && headers.get('content-length') !== undefined
  if (status !== 204 && !isStoredHead) headers.set('Content-Length', String(bytes.length))
  addOwnHeaders(headers, exchange)
  exchange.sentHeaders = headers
  exchange.responseBytes = isBodyless ? 0 : bytes.length
  return () => {
    exchange.reply.begin(status, headers)
    exchange.reply.finish(isBodyless ? undefined : bytes)
  }
}

function addOwnHeaders(headers: HeaderList, { settings, requestId, startedAt }: Exchange): void {
  const { answerHeaders: sent } = settings
  if (sent.has('X-Kong-Response-Latency')) {
    const milliseconds = Math.round((nowMicroseconds() - startedAt) / 1000)
    headers.set('X-Kong-Response-Latency', String(milliseconds))
  }
  if (sent.has('X-Kong-Request-Id')) headers.set('X-Kong-Request-Id', requestId)
  if (sent.has('Server')) headers.set('Server', 'weir')
}

function ownHeaders(given: Readonly<Record<string, string>>, exchange: Exchange): HeaderList {
  const headers = new HeaderList([...exchange.answerHeaders.flat])
  for (const [name, value] of Object.entries(given)) headers.set(name, value)
  return headers
}

/** A sentence in the form that the client accepts, as Kong renders its errors. */
function renderMessage(message: string, exchange: Exchange): { type: string; body: string } {
  const { requestId: id, request } = exchange
  const accept = request.headers.get('accept') ?? ''
  if (accept.startsWith('text/plain'))
    return { type: 'text/plain; charset=utf-8', body: `${message}\nrequest_id: ${id}\n` }
  if (/^(application|text)\/xml/.test(accept)) {
    return {
      type: 'application/xml; charset=utf-8',
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${escapeMarkup(message)}</message>\n  <requestid>${id}</requestid>\n</error>\n`,
    }
  }
  if (accept.startsWith('text/html')) {
    return {
      type: 'text/html; charset=utf-8',
      body: `<!doctype html>\n<title>${exchange.status}</title>\n<h1>${escapeMarkup(message)}</h1>\n<p>Request id: ${id}</p>\n`,
    }
  }
  return {
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({ message, request_id: id }),
  }
}

const escapeMarkup = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

/** Whether the client reads refusals from gRPC's own fields. Wider than `isGrpc`: gRPC-Web over HTTP/2 is included. */
const readsGrpcStatus = ({ http2, headers }: RequestHead): boolean =>
  http2 === true && headers.get('content-type')?.startsWith('application/grpc') === true

/** Answers a gRPC call by fields only, with status 200 as its clients demand. The event keeps the HTTP status that the answer stands for. */
function sendGrpcStatus(
  { status, message, headers: given }: Pick<Problem, 'status' | 'message' | 'headers'>,
  exchange: Exchange,
): () => void {
  const headers = ownHeaders(given, exchange)
  headers.set('Content-Type', 'application/grpc')
  if (headers.get('grpc-status') === undefined)
    headers.set('grpc-status', String(grpcStatusOf(status)))
  headers.set('grpc-message', percentEncode(message))
  addOwnHeaders(headers, exchange)
  exchange.sentHeaders = headers
  return () => {
    exchange.reply.begin(200, headers)
    exchange.reply.finish()
  }
}

/** Kong's mapping of HTTP to gRPC statuses, the reverse of google.rpc.Code. */
const grpcStatuses: Readonly<Record<number, number>> = {
  200: 0,
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 4,
  409: 6,
  413: 8,
  415: 12,
  426: 9,
  429: 8,
  499: 1,
  500: 13,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
}

function grpcStatusOf(status: number): number {
  const unknown = 2
  return grpcStatuses[status] ?? unknown
}

/** The encoding of grpc-message: visible ASCII except the percent sign stays, all else is percent-encoded UTF-8. */
function percentEncode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
}
