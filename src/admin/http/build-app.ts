import type { Socket } from 'node:net'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { notFound } from '../../entities/kong-problem.ts'
import { uuidv7 } from '../../lib/ids.ts'
import type { Log } from '../../lib/log.ts'
import { identifyPrincipal } from '../authorize.ts'
import { answerProblem, badPath, problemBody } from './answer-problem.ts'
import { bodyBytes, formLimits } from './body-limits.ts'
import { openHostCheck } from './check-host.ts'
import { registerBodyParsers } from './read-body.ts'
import { tooManyFields } from './read-form.ts'
import { routerOptions } from './router-options.ts'

export type AppOptions = {
  readonly configuration: Configuration
  readonly version: string
  /** Host names by which browsers and tools may address the Admin API and the Manager, beside addresses and localhost. */
  readonly hosts?: readonly string[]
  /** Receives failures with status 500 or more. */
  readonly log?: Log | undefined
}

/** Of every server of an app, with Fastify's default for connections without a request. */
export const serverOptions = {
  maxHeaderSize: 16_384,
  requestTimeout: 30_000,
  keepAliveTimeout: 72_000,
}

export function buildApp({ configuration, version, hosts = [], log }: AppOptions): FastifyInstance {
  const checkHost = openHostCheck(hosts)
  const app = Fastify({
    bodyLimit: bodyBytes,
    http: { maxHeaderSize: serverOptions.maxHeaderSize },
    requestTimeout: serverOptions.requestTimeout,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    genReqId: () => uuidv7(configuration.clock.now()),
    ...(log === undefined ? {} : { loggerInstance: toFastifyLog(log) }),
    routerOptions,
    schemaController: {
      compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      void reply.code(400).send(problemBody(badPath(), request.url))
    },
  })
  registerBodyParsers(app)
  app.decorateRequest('located', undefined)
  app.decorateRequest('respond', undefined)
  app.decorateRequest('principal', undefined)
  app.decorateRequest('isFromBrowser', false)
  app.decorateRequest('began', 0)
  app.addHook('onRequest', async (request, reply) => {
    request.setDecorator('began', performance.now())
    void reply.headers(securityHeaders)
    void reply.header('server', `weir/${version}`)
    void reply.header('x-kong-admin-request-id', request.id)
    checkHost(request.headers.host)
    checkQuery(request.url)
  })
  app.addHook('onSend', async (request, reply) => {
    const elapsed = performance.now() - request.getDecorator<number>('began')
    void reply.header('x-kong-admin-latency', String(Math.round(elapsed)))
  })
  app.setErrorHandler((error, request, reply) => {
    return answerProblem(configuration, error, [request, reply])
  })
  app.setNotFoundHandler(async (request) => {
    await identifyPrincipal(configuration, request)
    throw notFound()
  })
  return app
}

/** Routes validate their input with zod. With its default factories, Fastify would load Ajv at every start. */
const noSchemas = (): never => {
  throw new TypeError('routes have no schemas')
}

/** As in Kong, a query has at most as many arguments as a form. */
function checkQuery(url: string): void {
  const at = url.indexOf('?')
  if (at >= 0 && url.slice(at).split('&', formLimits.fields + 1).length > formLimits.fields)
    throw tooManyFields()
}

/** Of every answer; pages replace the policy and static files the caching. Answers contain secrets and depend on the principal. */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

type Bindings = { readonly reqId?: string }

/** Adapts the log to Fastify's `request.log`. Fastify itself uses it for errors that no error handler can answer. */
function toFastifyLog(log: Log, bindings: Bindings = {}): FastifyBaseLogger {
  const write =
    (level: 'error' | 'warn') =>
    (fields: unknown, text?: string): void => {
      const isText = typeof fields !== 'object' || fields === null
      const record = isText ? { err: fields } : (fields as Record<string, unknown>)
      const { err: error, req: _request, res: _response, ...rest }: Record<string, unknown> = record
      log[level]('admin: request failed', {
        request: bindings.reqId,
        ...rest,
        error: error ?? text,
      })
    }
  const ignore = (): void => undefined
  return {
    level: 'warn',
    fatal: write('error'),
    error: write('error'),
    warn: write('warn'),
    info: ignore,
    debug: ignore,
    trace: ignore,
    silent: ignore,
    child: (more: Bindings) => toFastifyLog(log, { ...bindings, ...more }),
  }
}

/** Answers input that Node's HTTP parser rejects. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'Request headers must not exceed 16 KiB']
      : ['400 Bad Request', 'Bad request']
  const body = JSON.stringify({ message })
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `cache-control: no-store\r\nx-content-type-options: nosniff\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
