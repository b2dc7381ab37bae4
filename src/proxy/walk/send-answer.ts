import { nowMicroseconds } from '../../lib/clock.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import type { Answer, AnswerBody } from './ask-upstream.ts'
import { applyTransforms } from '../answer-changes.ts'
import { FieldNames } from '../field-names.ts'
import { acceptsTrailers, hopByHopOf } from './hop-by-hop.ts'
import { removeOwnSetCookies } from './own-cookies.ts'
import { sendTransformed } from './send-transformed.ts'

/** Pending bytes of a buffered answer at which the service is paused. */
const bufferBytes = 262_144

/** Sends the answer of the service except for its end, and returns a function that sends the end; rejects if the response ends prematurely. A buffered answer is read
 *  ahead of a slow client, up to a limit; any other is read as fast as the client takes it. */
export function sendAnswer(
  answer: Answer,
  exchange: Exchange,
  isBuffered: boolean,
): (() => void) | Promise<() => void> {
  const { reply } = exchange
  const { socket } = answer
  exchange.status = answer.status
  const headers = forwardedHeaders(answer, exchange)
  const change = applyTransforms(exchange.answerTransforms, headers)
  addGatewayHeaders(headers, answer, exchange)
  exchange.sentHeaders = headers
  if (socket !== undefined) {
    exchange.tunnel = socket
    return () => {
      if (exchange.isClientGone) socket.destroy()
      else reply.upgrade?.(headers, socket)
    }
  }
  if (answer.body === undefined || hasNoBody(exchange.request.method, answer.status)) {
    answer.body?.drop()
    // The length that HEAD names is that of a body that was not transformed.
    if (change !== undefined) headers.delete('content-length')
    exchange.answerObserver?.end()
    exchange.upstream.finishedAt = nowMicroseconds()
    return () => {
      reply.begin(answer.status, headers)
      reply.finish()
    }
  }
  if (change !== undefined)
    return sendTransformed(answer.body, change, { exchange, status: answer.status, headers })
  exchange.begun = true
  reply.begin(answer.status, headers)
  const length = Number(answer.headers.get('content-length') ?? Number.NaN)
  return pump(answer.body, exchange, { length, most: isBuffered ? bufferBytes : 0 })
}

/** Passes the body on. With a known length, the last part is withheld: it is the end of the answer. Returns a promise only if parts are still to come. */
function pump(
  body: AnswerBody,
  exchange: Exchange,
  { length, most }: { readonly length: number; readonly most: number },
): (() => void) | Promise<() => void> {
  const { reply, answerObserver: observer } = exchange
  let last: Uint8Array | undefined
  let finish: (() => void) | undefined
  let settle: { resolve(finish: () => void): void; reject(error: unknown): void } | undefined
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown): void => {
    if (failure !== undefined) return
    failure = { error }
    exchange.offClientGone(gone)
    settle?.reject(error)
  }
  const gone = (): void => {
    body.drop()
    fail(clientClosed())
  }
  body.read({
    part(chunk) {
      if (failure !== undefined) return
      exchange.responseBytes += chunk.length
      try {
        observer?.part(chunk)
        if (exchange.responseBytes === length) {
          last = chunk
          return
        }
        if (reply.write(chunk) || reply.pendingBytes < most) return
        body.pause()
        reply.onWritable(() => body.resume())
      } catch (error) {
        // If thrown, it would close the connection to the service, which is not at fault.
        fail(error)
      }
    },
    end(trailers) {
      if (failure !== undefined) return
      exchange.upstream.finishedAt = nowMicroseconds()
      exchange.offClientGone(gone)
      try {
        observer?.end()
      } catch (error) {
        return fail(error)
      }
      finish = () => reply.finish(last, trailers)
      settle?.resolve(finish)
    },
    fail,
  })
  if (finish !== undefined) return finish
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error
  if (exchange.responseBytes === 0) reply.flush?.()
  return new Promise((resolve, reject) => {
    settle = { resolve, reject }
    exchange.onClientGone(gone)
  })
}

/** The forwarded fields of the service, and those that plugins add. */
function forwardedHeaders(answer: Answer, exchange: Exchange): HeaderList {
  const endsHere = hopByHopOf(answer.headers)
  const trailer = acceptsTrailers(exchange.request) ? answer.headers.get('trailer') : undefined
  const headers = answer.headers.without((name) => endsHere(name) || isLookAlike(name))
  // RFC 9110 section 8.6.
  if (answer.status === 204) headers.delete('content-length')
  if (trailer !== undefined && answer.status !== 101) headers.add('Trailer', trailer)
  headers.flat.push(...exchange.answerHeaders.flat)
  return headers
}

function addGatewayHeaders(headers: HeaderList, { status }: Answer, exchange: Exchange): void {
  const { upstream, startedAt, settings } = exchange
  const { answerHeaders: sent } = settings
  const waited = upstream.answeredAt - upstream.askedAt
  if (sent.has('X-Kong-Upstream-Latency'))
    headers.add('X-Kong-Upstream-Latency', String(Math.round(waited / 1000)))
  if (sent.has('X-Kong-Proxy-Latency'))
    headers.add('X-Kong-Proxy-Latency', String(Math.round((upstream.askedAt - startedAt) / 1000)))
  if (sent.has('X-Kong-Upstream-Status')) headers.add('X-Kong-Upstream-Status', String(status))
  if (sent.has('X-Kong-Request-Id')) headers.add('X-Kong-Request-Id', exchange.requestId)
  if (sent.has('Via')) headers.add('Via', '1.1 weir')
  if (settings.allowsDebug) addDebugHeaders(headers, exchange)
  removeOwnSetCookies(headers)
}

/** Other spellings of framing fields, which some clients accept as such. */
const isLookAlike = (name: string): boolean =>
  name.length >= 14 && !framing.has(name) && framing.hasFolded(name)

const framing = new FieldNames(['content-length', 'transfer-encoding'])

/** As Kong answers `Kong-Debug: 1`. */
function addDebugHeaders(headers: HeaderList, { request, routeRef }: Exchange): void {
  if (request.headers.get('kong-debug') !== '1') return
  const debugged = {
    'Kong-Route-Id': routeRef.route,
    'Kong-Route-Name': routeRef.route_name,
    'Kong-Service-Id': routeRef.service,
    'Kong-Service-Name': routeRef.service_name,
  }
  for (const [name, value] of Object.entries(debugged))
    if (value !== '') headers.add(name, encodeURI(value))
}

const hasNoBody = (method: string, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304
