import { PassThrough } from 'node:stream'
import type { OnProgress } from '../../control/apply-operation.ts'
import { toProblem } from '../../lib/problem.ts'
import type { Asked } from '../admin-route.ts'
import { auditRefusal, logFailure, problemBody } from '../http/answer-problem.ts'

/** Tells how far each phase of the work is. */
export type Tell = (phase: string) => OnProgress

/** Does work and answers its result; whoever accepts lines of JSON is told on the way how far it is, and in the last line how it ended. */
export async function tellProgress(
  asked: Asked,
  work: (tell: Tell) => Promise<unknown>,
): Promise<unknown> {
  const { request, reply } = asked
  if (!(request.headers.accept ?? '').includes('application/x-ndjson')) return work(() => silent)
  const lines = new PassThrough()
  const write = (line: unknown): void => void lines.write(`${JSON.stringify(line)}\n`)
  void finish(asked, write, () =>
    work((phase) => (done, total) => write({ progress: { phase, done, total } })),
  ).finally(() => lines.end())
  return reply.type('application/x-ndjson').send(lines)
}

const silent: OnProgress = () => undefined

/** The status is sent long before the end, so a refusal is a line. */
async function finish(
  { configuration, request }: Asked,
  write: (line: unknown) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    write({ result: await work() })
  } catch (error) {
    const problem = toProblem(error)
    logFailure(problem, error, request)
    await auditRefusal(configuration, problem, request)
    write({ problem: { status: problem.status, ...problemBody(problem, request.url) } })
  }
}
