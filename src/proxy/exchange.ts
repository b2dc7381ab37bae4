import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Problem } from '../lib/problem.ts'
import { nowMicroseconds } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { RegexMatch } from '../lib/linear-regex.ts'
import type { Outcome, PartOf } from '../schema/event.ts'
import type { SnapshotItem } from '../schema/snapshot.ts'
import type { Target } from './balance/target.ts'
import type { Endpoint } from './front/origin.ts'
import type { Caller, Directory } from './directory.ts'
import { HeaderList } from './header-list.ts'
import type { AnswerObserver, AnswerTransform } from './answer-changes.ts'
import { defaultExchangeSettings, type ExchangeSettings } from './exchange-settings.ts'

/** A client's connection, the same object for all requests that come over it. */
export type ClientLink = {
  readonly socket: Socket
  /** The peer, or the client that its PROXY header names. */
  readonly client: Endpoint
  /** Local address, with the external port. */
  readonly local: Endpoint
  /** Requests in flight on it; a tunnel stays one. */
  exchanges: number
  /** When the last of them ended, by `performance.now()`. */
  idleSince: number
}

/** The head of a request, the same for every protocol. */
export type RequestHead = {
  readonly method: string
  /** `tcp`, `tls` or `udp` for a stream. */
  readonly scheme: 'http' | 'https' | 'tcp' | 'tls' | 'udp'
  /** Lower case, without port. */
  readonly host: string
  readonly port: number
  /** Path as it was sent, without the query string. */
  readonly path: string
  /** Query string without its question mark. */
  readonly query: string
  /** True for a question mark without anything after it. */
  readonly hasEmptyQuery?: boolean
  readonly headers: HeaderList
  /** In canonical form. */
  readonly clientAddress: string
  /** The port that the client connected to, if known. */
  readonly localPort?: number | undefined
  /** The trusted proxy in front of the gateway; absent where the client itself connected. */
  readonly proxyAddress?: string | undefined
  readonly tlsVersion: string
  /** The protocol that `Upgrade` names, lower case, or ''. */
  readonly upgrade: string
  readonly http2?: boolean
  /** SNI of the TLS handshake, lower case. */
  readonly serverName?: string | undefined
  readonly clientCertificate?: ClientCertificate | undefined
  /** Without it admission treats the request as the only one of its connection. */
  readonly connection?: ClientLink | undefined
}

/** The certificate that a client presented in its TLS handshake. */
export type ClientCertificate = {
  /** Whether a configured CA issued it. */
  readonly verified: boolean
  /** Its SPIFFE ID, when it is verified and has exactly one; else ''. */
  readonly spiffeId: string
  readonly der: Uint8Array
  /** The certificate, and those that the client sent after it. */
  readonly chain: readonly X509Certificate[]
}

/** The body of a request. It can be read once per attempt, as long as all of it that was read is still buffered. */
export type RequestBody = {
  readonly present: boolean
  /** Content-Length, or undefined when it comes in chunks. */
  readonly length: number | undefined
  /** Bytes received so far. */
  readonly received: number
  /** Whether all of it was received. */
  readonly isWhole: boolean
  /** Whether another attempt can still send all of it. */
  readonly replayable: boolean
  /** The body from its first byte on. */
  open(): NodeJS.ReadableStream
  /** Reads ahead until the body is complete or the buffer is full; undefined when that is so already. Rejects when the body ends prematurely. */
  readAhead(): Promise<void> | undefined
  /** Fails with what `refuse` returns once more bytes than this were received. A larger limit than one before has no effect. */
  limitTo?(bytes: number, refuse: () => Problem): void
  /** Fields after the body, once all of it was read. */
  readonly trailers?: HeaderList | undefined
}

/** Sends the answer to the client. */
export type Reply = {
  /** Sends an interim answer (1xx), if the client can take one. */
  interim?(status: number, headers: HeaderList): void
  /** Starts the answer; its head is sent with the first bytes of the body, or by `flush`. */
  begin(status: number, headers: HeaderList): void
  /** False when the client is slow; wait for `onWritable` then. */
  write(chunk: Uint8Array): boolean
  /** Bytes that are written but not yet sent. */
  readonly pendingBytes: number
  /** Calls back once when the client can take more. */
  onWritable(resume: () => void): void
  /** Sends the head before any part of the body is there. */
  flush?(): void
  /** Sends the last part, if any, and ends the answer. */
  finish(last?: Uint8Array, trailers?: HeaderList): void
  /** Breaks the connection, so that the client cannot mistake the answer for complete. */
  abort(): void
  /** Switches protocols: sends the head of a 101 and connects the client to `socket`. */
  upgrade?(headers: HeaderList, socket: Duplex): void
}

/** The route and service of a request, in the columns of its event. */
export type RouteRef = PartOf<'place'>

/** The route and service of a request, as configured. */
export type MatchedRoute = {
  readonly route: SnapshotItem<'routes'>
  readonly service: { readonly service: SnapshotItem<'services'> } | undefined
}

/** For requests that match no route. */
export const noRouteRef: RouteRef = {
  workspace: '',
  workspace_name: '',
  service: '',
  service_name: '',
  route: '',
  route_name: '',
}

/** One attempt to get an answer from a target. */
export type Attempt = {
  readonly target: Target
  /** Microseconds since the epoch. */
  readonly startedAt: number
  /** When the head of the answer arrived, or the attempt failed; 0 until then. */
  endedAt: number
  /** 0 when there was no answer. */
  status: number
  /** Problem code, or ''. */
  failure: string
  /** Registers a listener for the client's disconnect; undefined until the request is sent. */
  abort: (() => void) | undefined
}

/** The captures of the path's regular expression, by number and by name. */
export type Captures = Pick<RegexMatch, 'groups' | 'named'>

const noTransforms: readonly AnswerTransform[] = []
const noCaptures: Captures = { groups: [], named: {} }

export type UpstreamResult = {
  status: number
  tries: number
  target: string
  readonly attempts: Attempt[]
  /** Set-Cookie of a sticky session, or ''. */
  cookie: string
  /** Microseconds since the epoch, as are the next two; 0 if it did not happen. */
  askedAt: number
  answeredAt: number
  finishedAt: number
}

/** The request that is sent to the service. */
export type Forward = {
  /** Replaces the method of the request; not HEAD or CONNECT, whose answers are framed otherwise. */
  method?: string
  path: string
  query: string
  /** Host, unless the service's configuration decides it. */
  host: string | undefined
  readonly headers: HeaderList
  /** Replaces the body of the request. */
  body?: RequestBody
}

/** One request and its answer. Every step of the walk reads and writes it. */
export class Exchange {
  readonly id: string
  readonly startedAt: number
  readonly revision: number
  readonly request: RequestHead
  readonly body: RequestBody
  readonly reply: Reply
  readonly settings: ExchangeSettings
  routeRef: RouteRef = noRouteRef
  /** Set by the router. */
  matched: MatchedRoute | undefined = undefined
  /** Made by the router, changed by plugins. */
  forward: Forward | undefined = undefined
  /** The path pattern that matched. */
  routePath = ''
  /** Set by the router for path patterns that are regular expressions. */
  findGroups: (() => RegexMatch | undefined) | undefined = undefined
  caller: Caller | undefined = undefined
  /** Of its program; set by the router. */
  directory: Directory | undefined = undefined
  /** Headers to add to any answer. */
  readonly answerHeaders = new HeaderList()
  /** Changes of any answer, in the order in which they apply; plugins add them in `onResponse`. */
  answerTransforms: readonly AnswerTransform[] = noTransforms
  /** Receives the body of the service's answer; set by a plugin in `onResponse`. */
  answerObserver: AnswerObserver | undefined = undefined
  /** The fields of the service's answer, once it came; plugins may change them before it is sent. */
  serviceHeaders: HeaderList | undefined = undefined
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
  /** True once the client closed the connection before the response was complete. */
  isClientGone = false
  /** The connection to a target that switched protocols. */
  tunnel: Duplex | undefined = undefined
  status = 0
  /** The fields of the answer, once it is known which are sent. */
  sentHeaders: HeaderList | undefined = undefined
  responseBytes = 0
  outcome: Outcome = 'allowed'
  deniedBy = ''
  reason = ''
  /** Query parameters to redact in the event, beside the default ones. */
  secretParameters: readonly string[] | undefined = undefined
  /** Secrets that the client presented, valid or not; the event must not contain them. */
  presentedSecrets: readonly string[] | undefined = undefined
  /** W3C trace id, where a plugin decides about it. */
  traceId = ''
  /** Fields that plugins add to log entries, by name. */
  logValues: Readonly<Record<string, unknown>> | undefined = undefined
  /** Whether paths and queries of the exchange must not be exported. */
  hidesUri = false
  /** True once a part of the answer was sent. */
  begun = false

  hasRunResponsePlugins = false

  #requestId = ''
  #captures: Captures | undefined = undefined
  // A list is allocated only for a second callback; nearly all exchanges have one at most.
  #goneListeners: Callback | Callback[] | undefined = undefined
  #deferred: Callback | Callback[] | undefined = undefined

  constructor(
    revision: number,
    request: RequestHead,
    body: RequestBody,
    reply: Reply,
    settings: ExchangeSettings = defaultExchangeSettings,
  ) {
    this.startedAt = nowMicroseconds()
    this.id = uuidv7(Math.floor(this.startedAt / 1000))
    this.revision = revision
    this.request = request
    this.body = body
    this.reply = reply
    this.settings = settings
  }

  /** The id as clients and services get it: 32 hexadecimal digits, as in Kong. */
  get requestId(): string {
    if (this.#requestId === '') {
      const { id } = this
      this.#requestId = `${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}${id.slice(19, 23)}${id.slice(24)}`
    }
    return this.#requestId
  }

  /** Evaluated at the first access. */
  get captures(): Captures {
    return (this.#captures ??= this.findGroups?.() ?? noCaptures)
  }

  /** Sets a header of any answer, in place of the service's. */
  setAnswerHeader(name: string, value: string): void {
    this.removeAnswerHeader(name.toLowerCase())
    this.answerHeaders.add(name, value)
  }

  /** Removes a header (given in lower case) from any answer, the service's too. */
  removeAnswerHeader(name: string): void {
    this.answerHeaders.delete(name)
    this.serviceHeaders?.delete(name)
  }

  /** Calls `listener` when the client disconnects early, at once if it already has. */
  onClientGone(listener: Callback): void {
    if (this.isClientGone) listener()
    else this.#goneListeners = withCallback(this.#goneListeners, listener)
  }

  offClientGone(listener: Callback): void {
    this.#goneListeners = withoutCallback(this.#goneListeners, listener)
  }

  /** The client disconnected: calls the listeners, each once. */
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

  /** The exchange is over: runs the deferred functions, each once. */
  dispose(): void {
    const deferred = this.#deferred
    this.#deferred = undefined
    callEach(deferred)
  }

  /** Records the refusing component and the reason; the first refusal counts. */
  refuse(outcome: 'denied' | 'failed', by: string, problem: Problem): void {
    if (this.reason !== '') return
    this.outcome = outcome
    this.deniedBy = outcome === 'denied' ? by : ''
    this.reason = problem.code
  }

  /** Records a fault of the gateway, replacing an earlier refusal. */
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

/** Calls all of them, even if one throws; then throws the first error. */
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

/** The client disconnected before its response was complete. 499, as in nginx, appears in the event only. */
export const clientClosed = (): Problem =>
  new Problem(
    'client.closed',
    499,
    'the client closed the connection before the response was complete',
  )

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
