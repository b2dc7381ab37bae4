import { nowMicroseconds } from '../../lib/clock.ts'
import { collectBody } from '../answer-changes.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import type { AnswerBody } from './ask-upstream.ts'

/** Reads the body of the service to its end before anything is sent, and returns a function that sends the changed answer. */
export function sendTransformed(
  body: AnswerBody,
  change: (bytes: Buffer) => Uint8Array,
  { exchange, status, headers }: { exchange: Exchange; status: number; headers: HeaderList },
): Promise<() => void> {
  const { reply, answerObserver: observer } = exchange
  const collected = collectBody()
  const settled = Promise.withResolvers<() => void>()
  const fail = (error: unknown): void => {
    exchange.offClientGone(gone)
    settled.reject(error)
  }
  const gone = (): void => {
    body.drop()
    fail(clientClosed())
  }
  exchange.onClientGone(gone)
  body.read({
    part(chunk) {
      try {
        collected.add(chunk)
        observer?.part(chunk)
      } catch (error) {
        body.drop()
        fail(error)
      }
    },
    end(trailers) {
      try {
        exchange.upstream.finishedAt = nowMicroseconds()
        exchange.offClientGone(gone)
        observer?.end()
        const bytes = change(collected.bytes())
        headers.set('Content-Length', String(bytes.length))
        exchange.responseBytes = bytes.length
        settled.resolve(() => {
          reply.begin(status, headers)
          reply.finish(bytes, trailers)
        })
      } catch (error) {
        fail(error)
      }
    },
    fail,
  })
  return settled.promise
}
