import type { ServerResponse } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Rights } from '../access/rights.ts'
import type { Analytics } from '../analytics/open-analytics.ts'
import type { Subscription } from '../analytics/open-subscription.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { describeVisibility, type Push } from '../schema/answer.ts'
import { logFailure } from './http/answer-problem.ts'

export type AnalyticsRoutesOptions = {
  readonly analytics: Analytics
  /** Authenticates the caller; throws a Problem 401. */
  readonly identify: (
    request: FastifyRequest,
  ) => Promise<{ readonly principalId: string; readonly rights: Rights }>
}

const bodyLimit = 256 * 1024

export async function analyticsRoutes(
  app: FastifyInstance,
  { analytics, identify }: AnalyticsRoutesOptions,
): Promise<void> {
  const streams = new Set<Stream>()
  app.setErrorHandler(sendProblem)
  app.addHook('preClose', () => {
    for (const stream of streams) stream.end()
  })

  app.get('/api/analytics/meta', async (request) => {
    const { rights } = await identify(request)
    return await analytics.meta(rights)
  })

  app.get('/api/analytics/completeness', async (request) => {
    const { rights } = await identify(request)
    return analytics.completeness(rights)
  })

  app.post('/api/analytics/query', { bodyLimit }, async (request, reply) => {
    const { rights } = await identify(request)
    const signal = whileConnected(reply)
    if (formatOf(request) === 'json') return await analytics.answer(rights, request.body, signal)
    const { csv, answer } = await analytics.csv(rights, request.body, signal)
    return await reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="weir.csv"')
      .header('x-weir-visibility', headerText(describeVisibility(answer.visibility)))
      .send(csv)
  })

  app.post('/api/analytics/explain', { bodyLimit }, async (request) => {
    const { rights } = await identify(request)
    return await analytics.explain(rights, request.body)
  })

  app.post('/api/analytics/subscribe', { bodyLimit }, async (request, reply) => {
    const { principalId } = await identify(request)
    const { queries } = subscribeBody(request.body)
    const stream = openStream()
    // Throws for invalid queries, so the response must not be hijacked yet.
    const subscription = analytics.subscribe(principalId, queries, (push) => stream.push(push))
    reply.hijack()
    streams.add(stream)
    stream.start(reply, subscription)
    reply.raw.on('close', () => streams.delete(stream))
  })
}

/** Aborted when the client closes the connection before its answer. */
function whileConnected({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.on('close', () => raw.writableFinished || gone.abort())
  return gone.signal
}

function formatOf({ query }: FastifyRequest): 'json' | 'csv' {
  const { format = 'json' } = query as { readonly format?: unknown }
  if (format === 'json' || format === 'csv') return format
  throw new Problem('query.format', 400, 'format: expected one of: json, csv')
}

function subscribeBody(body: unknown): { readonly queries: unknown } {
  const parsed = z.strictObject({ queries: z.unknown() }).safeParse(body)
  if (parsed.success) return parsed.data as { queries: unknown }
  throw new Problem('query.body', 400, 'expected an object with one field, queries')
}

/** Header values are ASCII; other characters are percent-encoded as in RFC 8187. */
const headerText = (text: string): string =>
  text.replaceAll(/[^\x20-\x7e]|%/gu, (character) => encodeURIComponent(character))

/** Server-sent events to one client. */
type Stream = {
  push(push: Push): void
  start(reply: FastifyReply, subscription: Subscription): void
  /** Sends the pending pushes and ends the response. */
  end(): void
}

/** A stream that keeps only the newest push of each query for a slow client. */
function openStream(): Stream {
  const pending = new Map<string, Push>()
  let response: ServerResponse | undefined
  let isFull = false

  const flush = (): void => {
    for (const [id, push] of pending) {
      if (response === undefined || isFull) return
      pending.delete(id)
      isFull = !response.write(dataOf(push))
    }
  }
  const end = (): void => {
    response?.end([...pending.values()].map(dataOf).join(''))
    pending.clear()
  }
  return {
    push(push) {
      pending.delete(push.id)
      pending.set(push.id, push)
      flush()
    },
    start(reply, subscription) {
      const { raw } = reply
      response = raw
      raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...streamHeaders })
      raw.write('retry: 1000\n\n')
      const heartbeat = setInterval(() => isFull || raw.write(': heartbeat\n\n'), 15_000)
      raw.on('drain', () => {
        isFull = false
        flush()
      })
      // The client is gone; `close` follows, which ends the subscription.
      raw.on('error', () => raw.destroy())
      raw.on('close', () => {
        clearInterval(heartbeat)
        subscription.close()
      })
      flush()
      void subscription.ended.then(end)
    },
    end,
  }
}

const dataOf = (push: Push): string => `data: ${JSON.stringify(push)}\n\n`

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

async function sendProblem(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const problem = problemOf(error)
  // Analytics has logged a failed statement itself, under the id in the problem.
  if (problem.code !== 'query.failed') logFailure(problem, error, request)
  await reply
    .code(problem.status)
    .headers(problem.headers)
    .send({ code: problem.code, message: problem.message, ...problem.detail })
}

/** Fastify's own errors below 500, such as invalid JSON, are safe to return. */
const problemOf = (error: FastifyError): Problem =>
  !(error instanceof Problem) && error.statusCode !== undefined && error.statusCode < 500
    ? new Problem('request.invalid', error.statusCode, error.message)
    : toProblem(error)
