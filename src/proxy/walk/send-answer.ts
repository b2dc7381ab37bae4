import { nowMicroseconds } from '../../lib/clock.ts'
import type { Answer, AnswerBody } from './ask-upstream.ts'
import { clientClosed } from '../client-closed.ts'
import type { Exchange } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { hopByHopOf } from './hop-by-hop.ts'

/** Sends what the service answered, all but its end, and gives back how to send that; rejects when the service breaks off. */
export function sendAnswer(answer: Answer, exchange: Exchange): (() => void) | Promise<() => void> {
  const { reply } = exchange
  exchange.status = answer.status
  const headers = answerHeaders(answer, exchange)
  if (answer.socket !== undefined) {
    const { socket } = answer
    return () => reply.upgrade?.(headers, socket)
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
  return pump(answer.body, exchange, Number(answer.headers.get('content-length') ?? Number.NaN))
}

/** Passes the body on. Of a body whose length is known the last part is kept back: it is the end of the answer. Waits only for what has not arrived yet. */
function pump(
  body: AnswerBody,
  exchange: Exchange,
  length: number,
): (() => void) | Promise<() => void> {
  const { reply } = exchange
  let last: Uint8Array | undefined
  let finish: (() => void) | undefined
  let settle: { resolve(finish: () => void): void; reject(error: unknown): void } | undefined
  const fail = (error: unknown): void => {
    if (settle === undefined) throw error
    settle.reject(error)
  }
  body.read({
    part(chunk) {
      exchange.responseBytes += chunk.length
      if (exchange.responseBytes === length) {
        last = chunk
      } else if (!reply.write(chunk)) {
        body.pause()
        reply.onWritable(() => body.resume())
      }
    },
    end(trailers) {
      exchange.upstream.finishedAt = nowMicroseconds()
      finish = () => reply.finish(last, trailers)
      settle?.resolve(finish)
    },
    fail,
  })
  if (finish !== undefined) return finish
  if (exchange.responseBytes === 0) reply.flush?.()
  return new Promise((resolve, reject) => {
    settle = { resolve, reject }
    exchange.onLeave = () => {
      body.drop()
      reject(clientClosed())
    }
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
