import { nowMicroseconds } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import type { TargetAddress } from './balance/round-robin.ts'
import { clientClosed } from './client-closed.ts'
import type { Exchange, RequestBody } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import type { RouteProgram, ServiceProgram } from './program.ts'
import type { TargetTls } from './tls/target-tls.ts'

/** Takes the parts of an answer's body. */
export type BodySink = {
  part(chunk: Uint8Array): void
  end(trailers?: HeaderList): void
  fail(error: unknown): void
}

/** The body of an answer, which flows once `read` is called. */
export type AnswerBody = {
  read(sink: BodySink): void
  pause(): void
  resume(): void
  /** Wants no more of it. */
  drop(): void
}

/** The head of what a service answered, and the way to the rest. `peer` is there when it switched protocols. */
export type Answer = {
  readonly status: number
  readonly headers: HeaderList
  readonly body: AnswerBody | undefined
  readonly peer?: NodeJS.ReadWriteStream
}

/** One try, as the upstream client needs it. Times are milliseconds. */
export type Try = {
  readonly secure: boolean
  /** How the connection is made secure; undefined when it is not. */
  readonly tls?: TargetTls | undefined
  /** True to speak HTTP/2. */
  readonly http2?: boolean
  readonly target: TargetAddress
  readonly method: string
  readonly path: string
  readonly headers: HeaderList
  readonly body: RequestBody
  /** Protocol to switch to, or ''. */
  readonly upgrade: string
  readonly timeouts: { readonly connect: number; readonly write: number; readonly read: number }
  /** Takes the way to give up at once; called when the try starts. */
  onStart(giveUp: (reason: Problem) => void): void
}

/** A failed try: how far it came, and the Problem to answer when nobody tries again. */
export class TryFailure extends Error {
  readonly stage: 'connect' | 'sent'
  readonly problem: Problem

  constructor(stage: 'connect' | 'sent', problem: Problem) {
    super(problem.message, { cause: problem.cause })
    this.stage = stage
    this.problem = problem
  }
}

/** Speaks to targets. */
export type UpstreamClient = {
  /** Resolves with the head of an answer; rejects with a TryFailure. */
  send(attempt: Try): Promise<Answer>
  /** Closes idle connections to everything that the predicate does not want kept. */
  keepOnly(wanted: (origin: string) => boolean): void
  /** Ends all connections. */
  close(): Promise<void>
}

/** Asks the service of the route: picks a target, forwards, and tries again as Kong does. After a failure to connect anything is tried again; once a request was sent, only idempotent methods. */
export async function askUpstream(
  client: UpstreamClient,
  route: RouteProgram,
  exchange: Exchange,
): Promise<Answer> {
  const { service } = route
  if (service === undefined)
    throw new Problem('service.none', 503, 'no Service found with those values')
  const { upstream } = exchange
  const tried: TargetAddress[] = []
  for (;;) {
    const target = service.balancer.pick(tried)
    if (target === undefined)
      throw new Problem('upstream.no_peer', 503, 'failure to get a peer from the ring-balancer')
    tried.push(target)
    upstream.tries = tried.length
    upstream.target = `${target.host}:${target.port}`
    upstream.askedAt ||= nowMicroseconds()
    try {
      const answer = await client.send(buildTry(service, target, exchange))
      upstream.answeredAt = nowMicroseconds()
      upstream.status = answer.status
      return answer
    } catch (error) {
      if (!(error instanceof TryFailure)) throw error
      if (tried.length > service.service.retries || !mayTryAgain(error, exchange))
        throw error.problem
    }
  }
}

const idempotent: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
])

function mayTryAgain({ stage, problem }: TryFailure, { left, body, request }: Exchange): boolean {
  if (left || problem.status === 413 || !body.replayable) return false
  return stage === 'connect' || idempotent.has(request.method)
}

function buildTry(
  { service, hostHeader }: ServiceProgram,
  target: TargetAddress,
  exchange: Exchange,
): Try {
  const { request, body } = exchange
  const forward = exchange.forward ?? {
    path: request.path,
    query: request.query,
    headers: request.headers,
  }
  let { headers } = forward
  if (headers.get('host') === undefined) {
    headers = new HeaderList([
      'Host',
      hostHeader === '' ? `${target.host}:${target.port}` : hostHeader,
      ...headers.flat,
    ])
  }
  return {
    secure: service.protocol === 'https' || service.protocol === 'wss',
    target,
    method: request.method,
    path: forward.query === '' ? forward.path : `${forward.path}?${forward.query}`,
    headers,
    body,
    upgrade: request.upgrade,
    timeouts: {
      connect: service.connect_timeout,
      write: service.write_timeout,
      read: service.read_timeout,
    },
    onStart(giveUp) {
      exchange.onLeave = () => giveUp(clientClosed())
      if (exchange.left) exchange.onLeave()
    },
  }
}
