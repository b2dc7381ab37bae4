import type { Socket } from 'node:net'
import type { Egress } from '../../lib/egress.ts'
import { toProblem } from '../../lib/problem.ts'
import { nowMicroseconds } from '../../lib/clock.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import { toAttemptFailure } from '../http1/upstream-failure.ts'
import type { RouteProgram } from '../program.ts'
import { connectTarget } from '../tls/connect-target.ts'
import { askUpstream, type Answer, type UpstreamClient } from '../walk/ask-upstream.ts'
import { endExchange, type EndTools } from '../walk/end-exchange.ts'
import { discard, logFailure } from '../walk/handle-request.ts'

/** The connection of a client, and what begins the connection to its target. */
export type StreamClient = { readonly socket: Socket; readonly preface?: Uint8Array | undefined }

/** The walk of a stream: a target is found like that of a request, then bytes pass both ways until either side ends, and what happened is recorded before the client sees the end. Never rejects. */
export async function carryStream(
  tools: EndTools & { readonly egress: Egress },
  findRoute: () => RouteProgram,
  exchange: Exchange,
  { socket: client, preface }: StreamClient,
): Promise<void> {
  let answer: Answer | undefined
  let finish = (): void => exchange.reply.finish()
  try {
    const route = findRoute()
    exchange.routeRef = route.routeRef
    answer = await askUpstream(openStreamClient(tools.egress, preface), route, exchange)
    exchange.status = 200
    const patience = route.service?.service.read_timeout ?? 0
    await passOn(client, answer.socket as Socket, { exchange, patience })
  } catch (error) {
    const problem = toProblem(error)
    logFailure(problem, { tools, exchange })
    exchange.status = problem.status
    exchange.refuse('failed', '', problem)
    finish = () => exchange.reply.abort()
    discard(answer, { tools, exchange })
  }
  endExchange(tools, exchange, finish)
}

/** Connects; what it answers is the connection itself. */
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
