import http from 'node:http'
import type { Readable } from 'node:stream'
import type { Answer, BodySink, UpstreamRequest } from '../walk/ask-upstream.ts'
import { guardHandler } from '../front/guard-handler.ts'
import { HeaderList } from '../header-list.ts'
import { openTargetSocket } from '../tls/connect-target.ts'
import { toAttemptFailure } from './upstream-failure.ts'

/** Sends an upgrade request on a new connection. A response other than 101 is forwarded like any other. */
export function switchProtocol(attempt: UpstreamRequest): Promise<Answer> {
  const { path, method, host, headers, upgrade, timeouts } = attempt
  return new Promise((resolve, reject) => {
    const request = http.request({
      createConnection: () => openTargetSocket(attempt, ['http/1.1']),
      method,
      path,
      headers: ['Host', host, ...headers.flat, 'Connection', 'Upgrade', 'Upgrade', upgrade],
      timeout: timeouts.read,
    })
    attempt.onStart((reason) => request.destroy(reason))
    request.on('timeout', () =>
      request.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
    )
    request.on('error', (error) =>
      reject(toAttemptFailure(error, request.socket?.connecting === false ? 'sent' : 'connect')),
    )
    request.on('upgrade', (response, socket, head) => {
      request.setTimeout(0)
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve({
        status: 101,
        headers: new HeaderList(response.rawHeaders),
        body: undefined,
        socket,
      })
    })
    request.on('response', (response) => {
      resolve({
        status: response.statusCode ?? 502,
        headers: new HeaderList(response.rawHeaders),
        body: answerBody(response),
      })
    })
    request.end()
  })
}

function answerBody(stream: Readable) {
  return {
    read(sink: BodySink) {
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
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    drop: () => void stream.destroy(),
  }
}
