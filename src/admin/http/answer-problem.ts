import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { uuidv7 } from '../../lib/ids.ts'
import { Problem, toProblem } from '../../lib/problem.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'
import type { Action } from '../../entities/action.ts'
import { actionForMethod } from '../authorize.ts'
import type { Located } from '../admin-route.ts'
import { tooLarge } from './body-limits.ts'
import { redactAdminUrl } from './redact-path.ts'
import { originOf } from '../entities/make-change.ts'

/** Every error of the Admin API is answered here. Failures with status 500 or more are logged; refused changes and denied requests are audited before the answer. */
export async function answerProblem(
  configuration: Configuration,
  error: unknown,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
): Promise<void> {
  const problem = problemOf(error, request)
  logFailure(problem, error, request)
  await auditRefusal(configuration, problem, request)
  void reply.headers(problem.headers)
  if (problem.status === 204) return void (await reply.code(204).send())
  await reply.code(problem.status).send(problemBody(problem, request.url))
}

/** A path that is badly encoded, or has a segment that is too long. */
export const badPath = (): Problem => new Problem('admin.bad_path', 400, 'Bad request')

export function logFailure(problem: Problem, error: unknown, request: FastifyRequest): void {
  if (problem.status < 500) return
  const { id, method } = request
  request.log.error({
    request: id,
    method,
    url: redactAdminUrl(request),
    code: problem.code,
    err: error,
  })
}

/** Paths under `/api` answer Weir's problem code; all others use Kong's error format. */
export function problemBody(problem: Problem, url: string): Record<string, unknown> {
  const { code, name, ...rest } = problem.detail
  if (/^\/api(\/|$)/.test(url)) return { code: problem.code, message: problem.message, ...rest }
  return { code, name, message: problem.message, ...rest }
}

/** Translates Fastify's own errors to Kong's sentences. */
function problemOf(error: unknown, request: FastifyRequest): Problem {
  const { statusCode: status = 500, code = '' } = error as Partial<FastifyError>
  if (error instanceof Problem || status >= 500) return toProblem(error)
  if (status === 413) return tooLarge(request.routeOptions.bodyLimit)
  if (status === 415) return new Problem('admin.media_type', 415, 'Unsupported Media Type')
  const isBody = code.startsWith('FST_ERR_CTP') || error instanceof SyntaxError
  return new Problem('admin.bad_request', status, isBody ? 'Cannot parse JSON body' : 'Bad request')
}

export async function auditRefusal(
  configuration: Configuration,
  problem: Problem,
  request: FastifyRequest,
): Promise<void> {
  const action = actionForMethod(request.method)
  if (!isAudited(problem, action)) return
  const located = request.getDecorator<Located | undefined>('located')
  const ask = located?.check.ask
  const time = configuration.clock.now()
  const origin = originOf(request, ask, configuration)
  const reason = reasonOf(problem)
  await configuration.audit.write({
    ...origin,
    id: uuidv7(time),
    time,
    principal: auditPrincipal(configuration, request),
    workspace: ask?.workspace.name ?? '',
    workspaceId: ask?.workspace.id ?? '',
    action: ask?.action ?? action,
    allowed: problem.record === undefined && ![401, 403].includes(problem.status),
    because: ask === undefined ? reason : reason.replaceAll(ask.path, origin.path),
    before: [],
    after: [],
    status: problem.status,
    revision: null,
  })
}

function reasonOf({ record, detail, message }: Problem): string {
  return record ?? (typeof detail['because'] === 'string' ? detail['because'] : message)
}

function auditPrincipal(
  configuration: Configuration,
  request: FastifyRequest,
): AuditRecord['principal'] {
  const principal = request.getDecorator<string | undefined>('principal')
  return principal === undefined ? null : (configuration.rightsOf(principal)?.principal ?? null)
}

/** The sign-in audits its own refusals, because only it has the principal. */
const isAudited = ({ code, status, record }: Problem, action: Action): boolean =>
  !['control.sign_in', 'control.code_missing', 'control.code_wrong'].includes(code) &&
  (action !== 'read' || status === 403 || record !== undefined)
