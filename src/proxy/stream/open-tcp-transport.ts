import type { Socket } from 'node:net'
import type { Egress } from '../../lib/egress.ts'
import { nowMicroseconds } from '../../lib/clock.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import { toAttemptFailure } from '../http1/upstream-failure.ts'
import { connectTarget } from '../tls/connect-target.ts'
import type { UpstreamClient } from '../walk/ask-upstream.ts'
import type { StreamTransport } from './proxy-stream.ts'

/** The connection of a client, and what begins the connection to its target. */
export type StreamClient = { readonly socket: Socket; readonly preface?: Uint8Array | undefined }

/** Carries a TCP connection. */
export const openTcpTransport = (
  { socket: client, preface }: StreamClient,
  exchange: Exchange,
  egress: Egress,
): StreamTransport => ({
  client: openStreamClient(egress, preface),
  pass: ({ socket }, { service }) =>
    passOn(client, socket as Socket, {
      exchange,
      patience: service?.service.read_timeout ?? 0,
    }),
})

const openStreamClient = (egress: Egress, preface: Uint8Array | undefined): UpstreamClient => ({
  send: (attempt) =>
    new Promise((resolve, reject) => {
      attempt.onStart((reason) => reject(toAttemptFailure(reason, 'connect')))
      connectTarget({ ...attempt, preface }, [], attempt.timeouts.connect, egress).then(
        (socket) => resolve({ status: 200, headers: attempt.headers, body: undefined, socket }),
        reject,
      )
    }),
  keepOnly: () => undefined,
  close: () => Promise.resolve(),
})

type Passing = { readonly exchange: Exchange; readonly patience: number }

/** Passes bytes both ways with the back-pressure of both; resolves when the target ended its side, rejects when either broke. */
function passOn(client: Socket, target: Socket, { exchange, patience }: Passing): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      exchange.offClientGone(gone)
      exchange.upstream.finishedAt = nowMicroseconds()
      exchange.responseBytes = target.bytesRead
      target.destroy()
      settle()
    }
    const gone = (): void => end(() => reject(clientClosed()))
    const silent = Object.assign(new Error('nothing moved'), { code: 'ETIMEDOUT' })
    target.setTimeout(patience, () => target.destroy(silent))
    target.on('error', (error) => end(() => reject(toAttemptFailure(error, 'sent').problem)))
    target.on('end', () => end(resolve))
    exchange.onClientGone(gone)
    if (exchange.isClientGone) return
    client.pipe(target)
    target.pipe(client, { end: false })
  })
}
