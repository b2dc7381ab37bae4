import { PassThrough } from 'node:stream'
import type { OnProgress } from '../../control/apply-operation.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { jsonSteps } from '../../lib/json-steps.ts'
import { toProblem } from '../../lib/problem.ts'
import type { RequestContext } from '../admin-route.ts'
import { auditRefusal, logFailure, problemBody } from '../http/answer-problem.ts'

/** Returns the progress callback of a phase. */
export type PhaseProgress = (phase: string) => OnProgress

/** Runs work and returns its result. Clients that accept `application/x-ndjson` get a line per progress update and a last line with the result or the problem. */
export async function reportProgress(
  context: RequestContext,
  work: (progressFor: PhaseProgress) => Promise<unknown>,
): Promise<unknown> {
  const { request, reply } = context
  if (!(request.headers.accept ?? '').includes('application/x-ndjson')) return work(() => silent)
  const lines = new PassThrough()
  const writeJson = (json: string | Buffer): void => {
    lines.write(json)
    lines.write('\n')
  }
  const write = (line: unknown): void => writeJson(JSON.stringify(line))
  void finish(context, writeJson, () =>
    work((phase) => (done, total) => write({ progress: { phase, done, total } })),
  ).finally(() => lines.end())
  return reply.type('application/x-ndjson').send(lines)
}

const silent: OnProgress = () => undefined

/** The response status is already sent, so a failure is reported in a line. */
async function finish(
  { configuration, request }: RequestContext,
  write: (json: string | Buffer) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    write(await runBetweenEvents(jsonSteps({ result: await work() })))
  } catch (error) {
    const problem = toProblem(error)
    logFailure(problem, error, request)
    await auditRefusal(configuration, problem, request)
    const body = { status: problem.status, ...problemBody(problem, request.url) }
    write(JSON.stringify({ problem: body }))
  }
}
