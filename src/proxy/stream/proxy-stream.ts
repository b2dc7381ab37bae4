import { toProblem } from '../../lib/problem.ts'
import type { Exchange } from '../exchange.ts'
import type { Program, RouteProgram } from '../program.ts'
import { runStreamPlugins } from '../run-plugins.ts'
import { askUpstream, type Answer, type UpstreamClient } from '../walk/ask-upstream.ts'
import { endExchange, type EndTools } from '../walk/end-exchange.ts'
import { discard, logFailure } from '../walk/handle-request.ts'

export type StreamTransport = {
  /** Its answer is the connection to the target. */
  readonly client: UpstreamClient
  /** Passes bytes both ways; resolves when the stream is complete, rejects when it broke. */
  pass(this: void, answer: Answer, route: RouteProgram): Promise<void>
}

/** The walk of a stream: a target is found like that of a request, then bytes pass both ways until either side ends, and what happened is recorded before the client sees the end. Never rejects. */
export async function proxyStream(
  tools: EndTools,
  { pluginsOf }: Pick<Program, 'pluginsOf'>,
  findRoute: () => RouteProgram,
  exchange: Exchange,
  { client, pass }: StreamTransport,
): Promise<void> {
  let answer: Answer | undefined
  let finish = (): void => exchange.reply.finish()
  try {
    const route = findRoute()
    exchange.routeRef = route.routeRef
    tools.checkRecording?.(route.routeRef.workspace)
    exchange.matched = route
    runStreamPlugins(pluginsOf(route), exchange)
    answer = await askUpstream(client, route, exchange)
    exchange.status = 200
    await pass(answer, route)
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
