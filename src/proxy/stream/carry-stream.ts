import type { Socket } from 'node:net'
import { toProblem } from '../../lib/problem.ts'
import { nowMicroseconds } from '../../lib/clock.ts'
import { askUpstream, type UpstreamClient } from '../walk/ask-upstream.ts'
import { clientClosed } from '../client-closed.ts'
import { describeExchange } from '../walk/describe-exchange.ts'
import type { Exchange } from '../exchange.ts'
import type { RequestTools } from '../walk/handle-request.ts'
import { tryFailure } from '../http1/upstream-failure.ts'
import type { RouteProgram } from '../program.ts'
import { connectTarget } from '../tls/connect-target.ts'

/** The walk of a stream: a target is found like that of a request, then bytes pass both ways until either side ends, and what happened is recorded before the client sees the end. */
export async function carryStream(
  { record, node }: Pick<RequestTools, 'record' | 'node'>,
  route: RouteProgram,
  exchange: Exchange,
  client: Socket,
): Promise<void> {
  exchange.place = route.place
  let finish = (): void => void client.end()
  try {
    const { socket: peer } = await askUpstream(streamClient, route, exchange)
    exchange.status = 200
    const patience = route.service?.service.read_timeout ?? 0
    await passOn(client, peer as Socket, { exchange, patience })
  } catch (error) {
    const problem = toProblem(error)
    exchange.status = problem.status
    exchange.refuse('failed', '', problem)
    finish = () => void client.destroy()
  }
  record(describeExchange(exchange, node), finish, () => void client.destroy())
}

/** Connects; what it answers is the connection itself. */
const streamClient: UpstreamClient = {
  send: (attempt) =>
    new Promise((resolve, reject) => {
      attempt.onStart((reason) => reject(tryFailure(reason, 'connect')))
      connectTarget(attempt, [], attempt.timeouts.connect).then(
        (socket) => resolve({ status: 200, headers: attempt.headers, body: undefined, socket }),
        reject,
      )
    }),
  keepOnly: () => undefined,
  close: () => Promise.resolve(),
}

type Passing = { readonly exchange: Exchange; readonly patience: number }

/** Passes bytes both ways with the back-pressure of both; resolves when the target ended its side, rejects when either broke. */
function passOn(client: Socket, peer: Socket, { exchange, patience }: Passing): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      exchange.upstream.finishedAt = nowMicroseconds()
      exchange.responseBytes = peer.bytesRead
      peer.destroy()
      settle()
    }
    exchange.onLeave = () => end(() => reject(clientClosed()))
    if (exchange.left) return exchange.onLeave()
    const silent = Object.assign(new Error('nothing moved'), { code: 'ETIMEDOUT' })
    peer.setTimeout(patience, () => peer.destroy(silent))
    peer.on('error', (error) => end(() => reject(tryFailure(error, 'sent').problem)))
    peer.on('end', () => end(resolve))
    client.pipe(peer)
    peer.pipe(client, { end: false })
  })
}
