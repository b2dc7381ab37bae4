import { nowMicroseconds } from '../../lib/clock.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import type { Answer, AnswerBody } from './ask-upstream.ts'
import { hopByHopOf } from './field-names.ts'

/** Pending bytes of a buffered answer at which the service is paused. */
const bufferBytes = 262_144

/** Sends the answer of the service except for its end, and returns a function that sends the end; rejects if the service breaks off. A buffered answer is read
 *  ahead of a slow client, up to a limit; any other is read as fast as the client takes it. */
export function sendAnswer(
  answer: Answer,
  exchange: Exchange,
  isBuffered: boolean,
): (() => void) | Promise<() => void> {
  const { reply } = exchange
  const { socket } = answer
  exchange.status = answer.status
  const headers = answerHeaders(answer, exchange)
  if (socket !== undefined) {
    exchange.tunnel = socket
    return () => {
      if (exchange.isClientGone) socket.destroy()
      else reply.upgrade?.(headers, socket)
    }
  }
  if (answer.body === undefined || hasNoBody(exchange.request.method, answer.status)) {
    answer.body?.drop()
    exchange.upstream.finishedAt = nowMicroseconds()
    return () => {
      reply.begin(answer.status, headers)
      reply.finish()
    }
  }
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
  const { reply } = exchange
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
      if (exchange.responseBytes === length) {
        last = chunk
        return
      }
      try {
        if (reply.write(chunk) || reply.pendingBytes < most) return
        body.pause()
        reply.onWritable(() => body.resume())
      } catch (error) {
        // Thrown on, it would reach the connection to the service, which is not at fault.
        fail(error)
      }
    },
    end(trailers) {
      if (failure !== undefined) return
      exchange.upstream.finishedAt = nowMicroseconds()
      exchange.offClientGone(gone)
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

function answerHeaders(answer: Answer, exchange: Exchange): HeaderList {
  const headers = answer.headers.without(hopByHopOf(answer.headers))
  const { upstream, startedAt } = exchange
  const waited = upstream.answeredAt - upstream.askedAt
  headers.flat.push(...exchange.answerHeaders.flat)
  headers.add('X-Kong-Upstream-Latency', String(Math.round(waited / 1000)))
  headers.add('X-Kong-Proxy-Latency', String(Math.round((upstream.askedAt - startedAt) / 1000)))
  headers.add('X-Kong-Request-Id', exchange.id)
  headers.add('Via', '1.1 weir')
  return headers
}

const hasNoBody = (method: string, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304
