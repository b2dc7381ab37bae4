import type { EventLine } from '../../schema/event.ts'
import type { OpenAdmission } from '../admission/open-admission.ts'
import { askUpstream, type UpstreamClient } from './ask-upstream.ts'
import { describeExchange, type NodeIdentity } from './describe-exchange.ts'
import type { Exchange } from '../exchange.ts'
import { findRoute } from './find-route.ts'
import type { Program, RouteProgram } from '../program.ts'
import { runRequestPlugins, runResponsePlugins } from '../run-plugins.ts'
import { sendAnswer } from './send-answer.ts'
import { sendProblem } from './send-problem.ts'

/** What the walk of a request needs beside the exchange. */
export type RequestTools = {
  readonly upstream: UpstreamClient
  readonly admission: Pick<OpenAdmission, 'enter' | 'leave'>
  readonly node: NodeIdentity
  /** Writes an event where it survives this process, then calls `release`; calls `abandon` instead when it cannot. */
  readonly record: (event: EventLine, release: () => void, abandon: () => void) => void
}

/** The walk of a request. The exchange comes in open; every step returns before the next one runs; whatever happens, the exchange
 *  ends as one recorded event, and only then does the client see the end of its answer. Nothing here waits unless a step must. */
export async function handleRequest(
  tools: RequestTools,
  program: Program,
  exchange: Exchange,
): Promise<void> {
  let route: RouteProgram | undefined
  let isAdmitted = false
  let finish: () => void
  try {
    route = findRoute(program, exchange)
    const admitting = tools.admission.enter(exchange)
    if (admitting !== undefined) await admitting
    isAdmitted = true
    const waiting = runRequestPlugins(route, exchange)
    if (waiting !== undefined) await waiting
    const answer = await askUpstream(tools.upstream, route, exchange)
    runResponsePlugins(route, exchange)
    const sending = sendAnswer(answer, exchange)
    finish = sending instanceof Promise ? await sending : sending
  } catch (error) {
    if (route !== undefined && !exchange.begun) runResponsePlugins(route, exchange)
    finish = sendProblem(error, exchange)
  }
  exchange.releasePeer?.()
  if (isAdmitted) tools.admission.leave(exchange)
  tools.record(describeExchange(exchange, tools.node), finish, () => exchange.reply.abort())
}
