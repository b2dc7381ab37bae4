import http, { type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Egress } from '../../lib/egress.ts'
import type { Answer, AnswerBody, UpstreamRequest } from '../walk/ask-upstream.ts'
import { guardHandler } from '../front/guard-handler.ts'
import { HeaderList } from '../header-list.ts'
import { openTargetSocket, readyEvent } from '../tls/connect-target.ts'
import { toAttemptFailure } from './upstream-failure.ts'

/** Sends an upgrade request on a new connection. A response other than 101 is forwarded like any other. */
export function switchProtocol(attempt: UpstreamRequest, egress: Egress): Promise<Answer> {
  const { path, method, host, headers, upgrade, timeouts } = attempt
  return new Promise((resolve, reject) => {
    const socket = openTargetSocket(attempt, ['http/1.1'], egress)
    const request = http.request({
      createConnection: () => socket,
      method,
      path,
      headers: ['Host', host, ...headers.flat, 'Connection', 'Upgrade', 'Upgrade', upgrade],
    })
    let stage: 'connect' | 'sent' = 'connect'
    let response: IncomingMessage | undefined
    // The timeout option of http.request has no effect on a socket of createConnection.
    socket.setTimeout(timeouts.connect)
    socket.once(readyEvent(attempt), () => {
      stage = 'sent'
      socket.setTimeout(timeouts.read)
    })
    socket.on('timeout', () => (response ?? request).destroy(timedOut()))
    attempt.onStart((reason) => request.destroy(reason))
    request.on('error', (error) => reject(toAttemptFailure(error, stage)))
    request.on('upgrade', ({ rawHeaders }, _socket, head) => {
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve({ status: 101, headers: new HeaderList(rawHeaders), body: undefined, socket })
    })
    request.on('response', (received) => {
      response = received
      resolve({
        status: received.statusCode ?? 502,
        headers: new HeaderList(received.rawHeaders),
        body: answerBody(received, socket, timeouts.read),
      })
    })
    request.end()
  })
}

const timedOut = (): Error => Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })

/** While the body is paused, no progress is expected. */
function answerBody(stream: IncomingMessage, socket: Socket, timeout: number): AnswerBody {
  return {
    read(sink) {
      stream.on(
        'data',
        guardHandler(
          (chunk: Buffer) => sink.part(chunk),
          (error) => stream.destroy(error as Error),
        ),
      )
      stream.on('end', () => sink.end())
      stream.on('error', (error) => sink.fail(toAttemptFailure(error, 'sent').problem))
    },
    pause() {
      stream.pause()
      socket.setTimeout(0)
    },
    resume() {
      stream.resume()
      socket.setTimeout(timeout)
    },
    drop: () => void stream.destroy(),
  }
}
