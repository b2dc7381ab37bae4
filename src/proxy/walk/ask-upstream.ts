import type { Duplex } from 'node:stream'
import { nowMicroseconds } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { Target, TargetAddress } from '../balance/target.ts'
import {
  clientClosed,
  isIdempotent,
  type Attempt,
  type Exchange,
  type RequestBody,
} from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { FieldNames } from '../field-names.ts'
import { hopByHopOf } from './hop-by-hop.ts'
import type { ServiceProgram } from '../compile/compile-services.ts'
import type { RouteProgram } from '../program.ts'
import { targetTlsFor, type TargetTls } from '../tls/target-tls.ts'

/** Receives the body of an answer. */
export type BodySink = {
  part(chunk: Uint8Array): void
  end(trailers?: HeaderList): void
  fail(error: unknown): void
}

/** The body of an answer; it flows once `read` is called. */
export type AnswerBody = {
  read(sink: BodySink): void
  pause(): void
  resume(): void
  /** Discards the rest. */
  drop(): void
}

/** The answer of a target. `socket` is set if it switched protocols. */
export type Answer = {
  readonly status: number
  readonly headers: HeaderList
  readonly body: AnswerBody | undefined
  readonly socket?: Duplex
}

/** The request of one attempt. */
export type UpstreamRequest = {
  readonly secure: boolean
  /** Undefined for a plain connection. */
  readonly tls?: TargetTls | undefined
  /** True for HTTP/2 with prior knowledge, or by ALPN only. */
  readonly http2?: boolean
  /** True for HTTP/2 if the target agrees to it by ALPN. */
  readonly offersHttp2?: boolean
  readonly target: TargetAddress
  readonly method: string
  readonly path: string
  /** Host or `:authority`, which are not among `headers`. */
  readonly host: string
  readonly headers: HeaderList
  readonly body: RequestBody
  /** Protocol to switch to, or ''. */
  readonly upgrade: string
  /** Milliseconds. */
  readonly timeouts: { readonly connect: number; readonly write: number; readonly read: number }
  /** Called with each interim answer (1xx) but 100 and 101. */
  onInterim?(status: number, headers: HeaderList): void
  /** Called when the request starts, with a function to abort it; again if it starts again on another connection. */
  onStart(abort: (reason: Problem) => void): void
}

/** A failed attempt: how far it came, and the problem to answer if it is not retried. */
export class AttemptFailure extends Error {
  readonly stage: 'connect' | 'sent'
  readonly problem: Problem

  constructor(stage: 'connect' | 'sent', problem: Problem) {
    super(problem.message, { cause: problem.cause })
    this.stage = stage
    this.problem = problem
  }
}

export type UpstreamClient = {
  /** Resolves with the head of an answer; rejects with a AttemptFailure. */
  send(attempt: UpstreamRequest): Promise<Answer>
  /** Closes idle connections to all other origins. */
  keepOnly(wanted: (origin: string) => boolean): void
  /** Ends all connections. */
  close(): Promise<void>
}

/** Forwards to a target of the service, and retries as Kong does, with another target while there is one: any request after a failure to connect, only
 *  idempotent ones once something was sent. */
export async function askUpstream(
  client: UpstreamClient,
  route: RouteProgram,
  exchange: Exchange,
): Promise<Answer> {
  const { service } = route
  if (service === undefined)
    throw new Problem('service.none', 503, 'no Service found with those values')
  const { pool } = service
  for (let waiting = pool.ready(); waiting !== undefined; waiting = pool.ready()) await waiting
  const { attempts } = exchange.upstream
  for (;;) {
    const taken = pool.take(exchange, service.service.connect_timeout)
    const target = taken instanceof Promise ? await taken : taken
    const attempt = beginAttempt(target, exchange)
    let answer: Answer | undefined
    try {
      answer = await client.send(buildUpstreamRequest(service, attempt, exchange))
      return acceptAnswer(service, attempt, { exchange, answer })
    } catch (error) {
      dropAnswer(answer)
      failAttempt(service, attempt, { exchange, error })
      if (!(error instanceof AttemptFailure)) throw error
      if (attempts.length > service.service.retries || !mayRetry(error, exchange))
        throw error.problem
    }
  }
}

/** Discards an answer that is not read to its end. */
export function dropAnswer(answer: Answer | undefined): void {
  answer?.body?.drop()
  answer?.socket?.destroy()
}

function beginAttempt(target: Target, { upstream }: Exchange): Attempt {
  const startedAt = nowMicroseconds()
  const attempt = { target, startedAt, endedAt: 0, status: 0, failure: '', abort: undefined }
  upstream.attempts.push(attempt)
  upstream.tries = upstream.attempts.length
  upstream.target = target.hostPort
  upstream.askedAt ||= startedAt
  return attempt
}

/** The target stays busy until the exchange is over. */
function acceptAnswer(
  { pool }: ServiceProgram,
  attempt: Attempt,
  { exchange, answer }: { exchange: Exchange; answer: Answer },
): Answer {
  const { upstream } = exchange
  const { target } = attempt
  endAttempt(attempt, exchange)
  attempt.status = answer.status
  upstream.answeredAt = attempt.endedAt
  upstream.status = answer.status
  if (upstream.cookie !== '') exchange.answerHeaders.add('Set-Cookie', upstream.cookie)
  pool.answered(target, answer.status, (attempt.endedAt - attempt.startedAt) / 1000)
  exchange.defer(() => pool.release(target))
  return answer
}

/** From now on the connection may serve another exchange, which a disconnect of this client must not break. */
function endAttempt(attempt: Attempt, exchange: Exchange): void {
  attempt.endedAt = nowMicroseconds()
  if (attempt.abort !== undefined) exchange.offClientGone(attempt.abort)
}

/** A client that disconnected, or sent too much, does not affect the target's health. */
function failAttempt(
  { pool }: ServiceProgram,
  attempt: Attempt,
  { exchange, error }: { readonly exchange: Exchange; readonly error: unknown },
): void {
  endAttempt(attempt, exchange)
  pool.release(attempt.target)
  const problem = error instanceof AttemptFailure ? error.problem : undefined
  attempt.failure = problem?.code ?? 'internal'
  const isOwn = problem !== undefined && problem.status >= 500
  const finding = problem?.status === 504 ? 'timeout' : 'broken'
  pool.failed(attempt.target, isOwn ? finding : undefined)
}

function mayRetry({ stage, problem }: AttemptFailure, exchange: Exchange): boolean {
  const { isClientGone, body } = exchange
  if (isClientGone || problem.status === 413 || !body.replayable) return false
  return stage === 'connect' || isIdempotent(methodOf(exchange))
}

/** The method of the forwarded request. */
const methodOf = ({ forward, request }: Exchange): string => forward?.method ?? request.method

function buildUpstreamRequest(
  { service, hostHeader, tls, offersHttp2 }: ServiceProgram,
  attempt: Attempt,
  exchange: Exchange,
): UpstreamRequest {
  const { target } = attempt
  const { request } = exchange
  const { path, query, headers } = exchange.forward ?? request
  const host =
    exchange.forward?.host ??
    (hostHeader === '' ? hostFieldOf(target, tls !== undefined) : hostHeader)
  return {
    secure: tls !== undefined,
    tls: tls && targetTlsFor(tls, host),
    http2: service.protocol === 'grpc' || service.protocol === 'grpcs',
    offersHttp2: offersHttp2 && request.upgrade === '',
    target,
    method: methodOf(exchange),
    path: query === '' && request.hasEmptyQuery !== true ? path : `${path}?${query}`,
    host,
    headers,
    body: exchange.forward?.body ?? exchange.body,
    upgrade: request.upgrade,
    timeouts: {
      connect: service.connect_timeout,
      write: service.write_timeout,
      read: service.read_timeout,
    },
    onInterim: (status, fields) => exchange.reply.interim?.(status, interimHeaders(fields)),
    onStart(abort) {
      if (attempt.abort !== undefined) exchange.offClientGone(attempt.abort)
      attempt.abort = () => abort(clientClosed())
      exchange.onClientGone(attempt.abort)
    },
  }
}

/** An interim answer has no content, and sets no cookie. */
function interimHeaders(fields: HeaderList): HeaderList {
  const endsHere = hopByHopOf(fields)
  return fields.without((name) => endsHere(name) || notInterim.hasFolded(name))
}

const notInterim = new FieldNames(['content-length', 'set-cookie', 'transfer-encoding'])

const hostFieldOf = ({ name, port }: Target, secure: boolean): string =>
  port === (secure ? 443 : 80) ? name : `${name}:${port}`
