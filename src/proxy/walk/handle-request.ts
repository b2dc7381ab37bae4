import { toProblem, type Problem } from '../../lib/problem.ts'
import type { OpenAdmission } from '../admission/open-admission.ts'
import type { PluginPlan } from '../compile/choose-plugins.ts'
import { isGrpc } from '../check-protocol.ts'
import type { Exchange } from '../exchange.ts'
import type { PluginAnswer } from '../plugin.ts'
import type { Program, RouteProgram } from '../program.ts'
import { runRequestPlugins, runResponsePlugins } from '../run-plugins.ts'
import { askUpstream, dropAnswer, type Answer, type UpstreamClient } from './ask-upstream.ts'
import { checkForm } from './check-request.ts'
import { endExchange, logFault, type EndTools } from './end-exchange.ts'
import { findRoute } from './find-route.ts'
import { sendAnswer } from './send-answer.ts'
import { sendPluginAnswer, sendProblem } from './send-problem.ts'

export type RequestTools = Required<EndTools> & {
  readonly upstream: UpstreamClient
  readonly admission: Pick<OpenAdmission, 'enter' | 'leave'>
}

/** The walk of a request. Every step returns before the next one runs; whichever fails, the exchange ends as one recorded event, and only then
 *  does the client see the end of its answer. Nothing here waits unless a step must. Never rejects. */
export async function handleRequest(
  tools: RequestTools,
  program: Program,
  exchange: Exchange,
): Promise<void> {
  let plugins: PluginPlan | undefined
  let isAdmitted = false
  let answer: Answer | undefined
  let finish: () => void
  try {
    const route = findRoute(program, exchange)
    tools.checkRecording(exchange.routeRef.workspace)
    plugins = program.pluginsOf(route)
    let own = checkForm(route, plugins, exchange)
    if (own === undefined) {
      const admitting = tools.admission.enter(exchange)
      if (admitting !== undefined) await admitting
      isAdmitted = true
      const running = runRequestPlugins(plugins, exchange)
      own = running instanceof Promise ? await running : running
    }
    if (own === undefined) {
      const reading = bufferRequest(route, exchange)
      if (reading !== undefined) await reading
      answer = await askUpstream(tools.upstream, route, exchange)
    }
    own = prepareAnswer(plugins, exchange, own, answer)
    if (own === undefined) {
      const sending = sendAnswer(answer as Answer, exchange, route.route.response_buffering)
      finish = sending instanceof Promise ? await sending : sending
    } else {
      finish = sendPluginAnswer(own, exchange)
      discard(answer, { tools, exchange })
    }
  } catch (error) {
    finish = answerFailure(error, { tools, plugins, exchange })
    discard(answer, { tools, exchange })
  }
  endExchange(tools, exchange, finish, {
    plugins,
    admission: isAdmitted ? tools.admission : undefined,
  })
}

/** Runs the response plugins; returns the answer to give instead of the service's. */
function prepareAnswer(
  plugins: PluginPlan,
  exchange: Exchange,
  own: PluginAnswer | undefined,
  answer: Answer | undefined,
): PluginAnswer | undefined {
  exchange.serviceHeaders = own?.serviceHeaders ?? answer?.headers
  return runResponsePlugins(plugins, exchange) ?? own
}

/** Reads ahead a body that is forwarded only as a whole. */
const bufferRequest = (
  { isRequestBuffered }: RouteProgram,
  { body, request }: Exchange,
): Promise<void> | undefined =>
  isRequestBuffered && body.present && !isGrpc(request) ? body.readAhead() : undefined

type Failed = {
  readonly tools: Pick<EndTools, 'log'>
  readonly plugins?: PluginPlan | undefined
  readonly exchange: Exchange
}

/** Returns a function that answers an error. Never throws. */
export function answerFailure(thrown: unknown, { tools, plugins, exchange }: Failed): () => void {
  const { log } = tools
  let problem = toProblem(thrown)
  logFailure(problem, { tools, exchange })
  try {
    if (plugins !== undefined && !exchange.begun) runResponsePlugins(plugins, exchange)
  } catch (error) {
    problem = toProblem(error)
    logFailure(problem, { tools, exchange })
    exchange.fail(problem)
  }
  try {
    return sendProblem(problem, exchange)
  } catch (error) {
    logFault(log, 'proxy: answering with a problem failed', exchange, error)
    exchange.fail(toProblem(error))
    exchange.status = 500
    return () => exchange.reply.abort()
  }
}

/** Faults of the gateway are logged as errors, failures of services as warnings. Refusals are in the event only. */
export function logFailure(
  problem: Problem,
  { tools: { log }, exchange }: Pick<Failed, 'tools' | 'exchange'>,
): void {
  const { code, status, cause } = problem
  if (status === 500) return logFault(log, 'proxy: request failed', exchange, cause ?? problem)
  if (cause === undefined) return
  const { service_name: service } = exchange.routeRef
  const { target } = exchange.upstream
  log.warn('proxy: upstream request failed', {
    request_id: exchange.id,
    service,
    target,
    reason: code,
    error: cause,
  })
}

/** Discards an answer that is not read to its end. Never throws. */
export function discard(answer: Answer | undefined, { tools, exchange }: Failed): void {
  try {
    dropAnswer(answer)
  } catch (error) {
    logFault(tools.log, 'proxy: dropping the answer failed', exchange, error)
  }
}
