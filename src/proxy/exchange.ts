import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Problem } from '../lib/problem.ts'
import { nowMicroseconds } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { RegexMatch } from '../lib/linear-regex.ts'
import type { Event, Outcome } from '../schema/event.ts'
import type { Target } from './balance/target.ts'
import { HeaderList } from './header-list.ts'

/** A client's connection, the same object for all requests that come over it. */
export type ClientLink = {
  readonly socket: Socket
  /** Requests in flight on it; a tunnel stays one. */
  exchanges: number
  /** When the last of them ended, by `performance.now()`. */
  idleSince: number
}

/** The head of a request as the protocol front understood it. */
export type RequestHead = {
  readonly method: string
  /** Of a stream that nobody here understands, `tcp` or `tls`. */
  readonly scheme: 'http' | 'https' | 'tcp' | 'tls'
  /** Lower case, without port. */
  readonly host: string
  readonly port: number
  /** Path as it was sent, without the query string. */
  readonly path: string
  /** Query string without its question mark. */
  readonly query: string
  readonly headers: HeaderList
  readonly clientAddress: string
  readonly tlsVersion: string
  /** The protocol asked for by `Upgrade`, lower case, or ''. */
  readonly upgrade: string
  /** True when it came over HTTP/2. */
  readonly http2?: boolean
  /** The name of the TLS handshake (SNI), lower case; absent when there was none. */
  readonly serverName?: string | undefined
  /** Who proved to be at the other end by a client certificate; absent when there was none. */
  readonly clientCertificate?: ClientCertificate | undefined
  /** The connection that it came by; without it a request is taken for the only one of its connection. */
  readonly connection?: ClientLink | undefined
}

/** Who a client certificate says that the other end is. */
export type ClientCertificate = {
  /** Whether one of the asked authorities vouches for it. */
  readonly verified: boolean
  /** Its SPIFFE ID, when it is verified and has exactly one; else ''. */
  readonly spiffeId: string
  /** The certificate, DER. */
  readonly der: Uint8Array
}

/** The body of a request, readable once for each try as long as what was read is still at hand. */
export type RequestBody = {
  /** False when the request has no body. */
  readonly present: boolean
  /** Content-Length, or undefined when it comes in chunks. */
  readonly length: number | undefined
  /** Bytes that arrived so far. */
  readonly received: number
  /** Whether the next try can still send all of it. */
  readonly replayable: boolean
  /** The body from its first byte on. */
  open(): NodeJS.ReadableStream
  /** Reads ahead until the body is complete or the buffer is full; undefined when that is so already. Rejects when the body breaks off. */
  readAhead(): Promise<void> | undefined
  /** Fields after the body, once all of it was read. */
  readonly trailers?: HeaderList | undefined
}

/** The way back to the client. */
export type Reply = {
  /** Sends status and fields; the body follows. */
  begin(status: number, headers: HeaderList): void
  /** Sends a part of the body; false when the client is slow and `onWritable` should be awaited. */
  write(chunk: Uint8Array): boolean
  /** Bytes that were written and that the client has not taken yet. */
  readonly pendingBytes: number
  /** Calls back once when the client can take more. */
  onWritable(resume: () => void): void
  /** Lets out what was begun although no part of the body is there yet. */
  flush?(): void
  /** Sends the last part, if any, and ends the answer. Nothing of it leaves before this call. */
  finish(last?: Uint8Array, trailers?: HeaderList): void
  /** Breaks the connection, so that the client cannot take the answer for whole. */
  abort(): void
  /** Switches protocols: sends the head of a 101 and connects the client to `socket`. */
  upgrade?(headers: HeaderList, socket: Duplex): void
}

/** A consumer as the request's way knows it. */
export type KnownConsumer = {
  readonly id: string
  /** Username, else custom id, else id. */
  readonly name: string
  readonly customId: string | null
  /** Those of its acl memberships. */
  readonly groups: readonly string[]
  /** Names of its consumer groups. */
  readonly consumerGroups: readonly string[]
}

/** Who the caller turned out to be. */
export type Caller = {
  readonly kind: 'consumer'
  readonly method: string
  readonly credential: string
  readonly consumer: KnownConsumer
}

/** Where a request was for, in the words of its event. */
export type RouteRef = Pick<
  Event,
  'workspace' | 'workspace_name' | 'service' | 'service_name' | 'route' | 'route_name'
>

/** The place of a request that no route recognises. */
export const noRouteRef: RouteRef = {
  workspace: '',
  workspace_name: '',
  service: '',
  service_name: '',
  route: '',
  route_name: '',
}

/** One try of an exchange. */
export type Attempt = {
  readonly target: Target
  /** Microseconds since the epoch. */
  readonly startedAt: number
  /** When the head of its answer came, or it failed; 0 until then. */
  endedAt: number
  /** The status it answered; 0 when it did not. */
  status: number
  /** Code of the problem it ended with, or ''. */
  failure: string
  /** Gives it up because the client left; undefined until its request is being sent. */
  abort: (() => void) | undefined
}

/** The parts of a path that the groups of its pattern caught: the whole match and each group by number, and the named ones. */
export type Captures = Pick<RegexMatch, 'groups' | 'named'>

const noCaptures: Captures = { groups: [], named: {} }

/** What the upstream part of the walk found out. */
export type UpstreamResult = {
  status: number
  tries: number
  target: string
  /** Every try, in order. */
  readonly attempts: Attempt[]
  /** A Set-Cookie field by which the client comes back to the same target, or ''. */
  cookie: string
  /** Microseconds since the epoch; 0 when it did not come to that. */
  askedAt: number
  answeredAt: number
  finishedAt: number
}

/** A request as the service is to get it. */
export type Forward = {
  path: string
  query: string
  /** The Host field, where it is not the service's own to say. */
  host: string | undefined
  /** All other fields. */
  readonly headers: HeaderList
}

/** One request and its answer: the object that travels down the walk. */
export class Exchange {
  readonly id: string
  readonly startedAt: number
  /** Revision of the configuration that decides. */
  readonly revision: number
  readonly request: RequestHead
  readonly body: RequestBody
  readonly reply: Reply
  routeRef: RouteRef = noRouteRef
  /** What is forwarded; made by the router and changed by plugins. */
  forward: Forward | undefined = undefined
  /** The path pattern that matched. */
  routePath = ''
  /** Finds what the groups of a path pattern that is a regular expression caught; set by the router. */
  findGroups: (() => RegexMatch | undefined) | undefined = undefined
  caller: Caller | undefined = undefined
  /** Fields to add to whatever answer goes out. */
  readonly answerHeaders = new HeaderList()
  readonly upstream: UpstreamResult = {
    status: 0,
    tries: 0,
    target: '',
    attempts: [],
    cookie: '',
    askedAt: 0,
    answeredAt: 0,
    finishedAt: 0,
  }
  /** True once the client left before its answer ended. */
  isClientGone = false
  /** The connection to a target that switched protocols. */
  tunnel: Duplex | undefined = undefined
  status = 0
  responseBytes = 0
  outcome: Outcome = 'allowed'
  deniedBy = ''
  reason = ''
  /** Names of query parameters that carry secrets beside the usual ones. */
  secretParameters: readonly string[] | undefined = undefined
  /** True once a part of the answer went out. */
  begun = false

  /** True once the response plugins ran. */
  hasRunResponsePlugins = false

  #captures: Captures | undefined = undefined
  // A single callback is kept as it is: nearly all exchanges have one at most, and need no list.
  #goneListeners: Callback | Callback[] | undefined = undefined
  #deferred: Callback | Callback[] | undefined = undefined

  constructor(revision: number, request: RequestHead, body: RequestBody, reply: Reply) {
    this.startedAt = nowMicroseconds()
    this.id = uuidv7(Math.floor(this.startedAt / 1000))
    this.revision = revision
    this.request = request
    this.body = body
    this.reply = reply
  }

  /** What the groups of the path pattern caught, by number and by name; found when first asked for. */
  get captures(): Captures {
    return (this.#captures ??= this.findGroups?.() ?? noCaptures)
  }

  /** Calls `listener` when the client leaves early, at once if it already has. */
  onClientGone(listener: Callback): void {
    if (this.isClientGone) listener()
    else this.#goneListeners = withCallback(this.#goneListeners, listener)
  }

  offClientGone(listener: Callback): void {
    this.#goneListeners = withoutCallback(this.#goneListeners, listener)
  }

  /** The client left: calls the listeners, each once. */
  clientLeft(): void {
    if (this.isClientGone) return
    this.isClientGone = true
    const listeners = this.#goneListeners
    this.#goneListeners = undefined
    callEach(listeners)
  }

  /** Calls `dispose` when the exchange is over. */
  defer(dispose: Callback): void {
    this.#deferred = withCallback(this.#deferred, dispose)
  }

  /** The exchange is over: runs what was deferred, each once. */
  dispose(): void {
    const deferred = this.#deferred
    this.#deferred = undefined
    callEach(deferred)
  }

  /** Records who refused and why; the first refusal stands. */
  refuse(outcome: 'denied' | 'failed', by: string, problem: Problem): void {
    if (this.reason !== '') return
    this.outcome = outcome
    this.deniedBy = outcome === 'denied' ? by : ''
    this.reason = problem.code
  }

  /** Records a fault of the gateway, whatever was recorded before. */
  fail(problem: Problem): void {
    this.outcome = 'failed'
    this.deniedBy = ''
    this.reason = problem.code
  }
}

type Callback = () => void

function withCallback(known: Callback | Callback[] | undefined, added: Callback) {
  if (known === undefined) return added
  return typeof known === 'function' ? [known, added] : [...known, added]
}

function withoutCallback(known: Callback | Callback[] | undefined, removed: Callback) {
  if (known === removed) return undefined
  return typeof known === 'object' ? known.filter((one) => one !== removed) : known
}

/** Calls all of them, although one may throw; then throws what the first threw. */
function callEach(callbacks: Callback | Callback[] | undefined): void {
  if (callbacks === undefined) return
  if (typeof callbacks === 'function') return callbacks()
  let thrown: { readonly error: unknown } | undefined
  for (const callback of callbacks) {
    try {
      callback()
    } catch (error) {
      thrown ??= { error }
    }
  }
  if (thrown !== undefined) throw thrown.error
}

/** The client left before its answer ended; 499, nginx's status, is seen by nobody but the event. */
export const clientClosed = (): Problem =>
  new Problem('client.closed', 499, 'the client left before its answer ended')

const idempotentMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
])

/** Whether a request with this method may be sent again after it was sent once (RFC 9110 section 9.2.2). */
export const isIdempotent = (method: string): boolean => idempotentMethods.has(method)
