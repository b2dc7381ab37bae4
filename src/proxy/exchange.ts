import type { Problem } from '../lib/problem.ts'
import { nowMicroseconds } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { RegexMatch } from '../lib/linear-regex.ts'
import type { Event, Outcome } from '../schema/event.ts'
import type { Target } from './balance/target.ts'
import type { ClientLink } from './client-link.ts'
import { HeaderList } from './header-list.ts'

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
  readonly certificate: Uint8Array
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
  /** Fields after the body, once all of it was read. */
  readonly trailers?: HeaderList | undefined
}

/** The way back to the client. */
export type Reply = {
  /** Sends status and fields; the body follows. */
  begin(status: number, headers: HeaderList): void
  /** Sends a part of the body; false when the client is slow and `onWritable` should be awaited. */
  write(chunk: Uint8Array): boolean
  /** Calls back once when the client can take more. */
  onWritable(resume: () => void): void
  /** Lets out what was begun although no part of the body is there yet. */
  flush?(): void
  /** Sends the last part, if any, and ends the answer. Nothing of it leaves before this call. */
  finish(last?: Uint8Array, trailers?: HeaderList): void
  /** Breaks the connection, so that the client cannot take the answer for whole. */
  abort(): void
  /** Switches protocols: sends the head of a 101 and hands over the raw connection. */
  upgrade?(headers: HeaderList, socket: NodeJS.ReadWriteStream): void
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
export type Place = Pick<
  Event,
  'workspace' | 'workspace_name' | 'service' | 'service_name' | 'route' | 'route_name'
>

/** The place of a request that no route recognises. */
export const nowhere: Place = {
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
  place: Place = nowhere
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
  /** Set when the client left before its answer ended. */
  left = false
  /** Called when the client leaves early. */
  onLeave: (() => void) | undefined = undefined
  /** Lets go of the peer that answered; called once the exchange is over. */
  releasePeer: (() => void) | undefined = undefined
  status = 0
  responseBytes = 0
  outcome: Outcome = 'allowed'
  deniedBy = ''
  reason = ''
  /** Names of query parameters that carry secrets beside the usual ones. */
  secretParameters: readonly string[] | undefined = undefined
  /** True once a part of the answer went out. */
  begun = false

  #captures: Captures | undefined = undefined

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

  /** Notes who refused and why; the first refusal stands. */
  refuse(outcome: 'denied' | 'failed', by: string, problem: Problem): void {
    if (this.reason !== '') return
    this.outcome = outcome
    this.deniedBy = outcome === 'denied' ? by : ''
    this.reason = problem.code
  }
}
