import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Problem, toProblem } from '../../lib/problem.ts'
import type { RequestBody } from '../exchange.ts'
import { guardHandler } from '../front/guard-handler.ts'
import type { Origin } from '../front/origin.ts'
import { copyOf, type ReceiveBytes } from '../front/read-into.ts'
import { readConnection, type ConnectionFacts } from '../tls/read-connection.ts'
import { MalformedBody, type BodyReader, openBodyReader } from './body-reader.ts'
import type { FrontEvents } from '../front/front-events.ts'
import type { FrontLimits } from '../limits.ts'
import { ClientReply, type ReplyConnection } from './client-reply.ts'
import {
  buildHead,
  headTooLarge,
  malformed,
  readRequest,
  timedOut,
  type RequestMessage,
} from './read-message.ts'
import { absentBody, openRequestBody, type IncomingBody } from './request-body.ts'

export type ConnectionContext = {
  readonly events: FrontEvents
  readonly limits: FrontLimits
  /** Coarse clock of the front, in milliseconds. */
  readonly now: () => number
  readonly isDraining: () => boolean
}

const headEnd = Buffer.from('\r\n\r\n')
/** Limit of pipelined bytes that are buffered during an exchange. */
const maxBufferedBytes = 65_536
/** Like nginx's lingering_close: how long a closing connection is read, so that the client gets the response before a reset. */
const lingerMilliseconds = 2_000
/** Time that a draining front waits for the next request of an idle connection, to answer it with Connection: close. */
const drainGraceMilliseconds = 1_000

type State = 'idle' | 'head' | 'exchange' | 'lingering' | 'tunnel'

/** A client connection, which serves one exchange at a time. */
export class ClientConnection implements ReplyConnection {
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #facts: ConnectionFacts
  #state: State = 'idle'
  #since: number
  /** Unsent bytes at the last sweep. */
  #unsent = 0
  #unread: Buffer | undefined
  #scanned = 0
  #keepAlive = true
  #reader: BodyReader | undefined
  #body: IncomingBody | undefined
  #reply: ClientReply | undefined
  #leave: (() => void) | undefined
  /** The other end after a protocol switch. */
  #tunnel: Duplex | undefined

  constructor(socket: Socket, context: ConnectionContext, origin?: Origin) {
    this.#socket = socket
    this.#context = context
    this.#facts = readConnection(socket, origin)
    this.#since = performance.now()
    const fail = (error: unknown): void => this.#fail(error)
    socket.on(
      'end',
      guardHandler(() => this.#clientEnded(), fail),
    )
    socket.on('error', (error) => {
      context.events.onClientError(error, this.#facts.clientAddress)
      socket.destroy()
    })
    socket.on(
      'close',
      guardHandler(() => this.#left(), fail),
    )
  }

  /** Ends the connection after an error in one of its handlers; its exchange ends as if the client had disconnected. */
  #fail(error: unknown): void {
    this.#context.events.onFault(error, this.#facts.clientAddress)
    this.#socket.destroy()
  }

  /** Applies the timeouts; called periodically. */
  sweep(now: number): void {
    try {
      this.#applyTimeouts(now)
    } catch (error) {
      this.#fail(error)
    }
  }

  #applyTimeouts(now: number): void {
    const { limits, isDraining } = this.#context
    const waited = now - this.#since
    if (this.#state === 'head' && waited > limits.headMilliseconds) this.#refuse(timedOut())
    else if (this.#state === 'exchange') this.#sweepExchange(waited)
    else if (this.#socket.writableLength > 0 && this.#state !== 'tunnel') this.#sweepSending(now)
    else if (this.#state === 'lingering' && waited > lingerMilliseconds) this.#socket.destroy()
    else if (this.#state === 'idle') {
      const timeout = isDraining() ? drainGraceMilliseconds : limits.idleMilliseconds
      if (waited > timeout) this.#socket.destroy()
    }
  }

  #sweepExchange(waited: number): void {
    const { limits } = this.#context
    const socket = this.#socket
    const awaitsBody = this.#reader !== undefined && !socket.isPaused()
    if (awaitsBody && waited > limits.bodyMilliseconds) {
      this.#reader = undefined
      this.#body?.fail(timedOut())
    } else if (socket.writableNeedDrain && waited > limits.writeMilliseconds) socket.destroy()
  }

  /** The response is complete, but not sent completely. */
  #sweepSending(now: number): void {
    const { writableLength } = this.#socket
    if (writableLength !== this.#unsent) this.#since = now
    this.#unsent = writableLength
    if (now - this.#since > this.#context.limits.writeMilliseconds) this.#socket.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Receives bytes; the buffer is valid only during the call. */
  readonly take: ReceiveBytes = (bytes, length) => {
    try {
      this.#take(bytes, length)
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(bytes: Buffer, length: number): void {
    if (this.#state === 'idle' && this.#unread === undefined && this.#takeWhole(bytes, length))
      return
    if (this.#state === 'lingering') return
    if (this.#tunnel !== undefined) return this.#pass(this.#tunnel, bytes, length)
    if (this.#state === 'exchange') this.#since = this.#context.now()
    const own = copyOf(bytes, length)
    this.#unread = this.#unread === undefined ? own : Buffer.concat([this.#unread, own])
    this.#advance()
  }

  /** Fast path for a request without a body that arrives in one piece. */
  #takeWhole(bytes: Buffer, length: number): boolean {
    if (length > this.#context.limits.headBytes || bytes[length - 1] !== 10) return false
    const text = bytes.toString('latin1', 0, length)
    if (bytes[0] === 13 || text.indexOf('\r\n\r\n') !== length - 4) return false
    this.#beginBy(text, text.slice(0, 5))
    return true
  }

  /** Begins an exchange, or rejects the head. */
  #beginBy(head: string, beginning: string): boolean {
    try {
      this.#begin(readRequest(head))
      return true
    } catch (error) {
      return this.#refuse(toProblem(error), beginning)
    }
  }

  #advance(): void {
    while (this.#unread !== undefined) {
      if (this.#state === 'exchange') {
        if (!this.#readBody()) return
      } else if (!this.#readHead()) return
    }
  }

  /** Returns false when no progress is possible without more bytes. */
  #readBody(): boolean {
    const bytes = this.#unread
    if (bytes === undefined) return false
    if (this.#reader === undefined) {
      if (bytes.length > maxBufferedBytes) this.#socket.pause()
      return false
    }
    try {
      const end = this.#reader.read(bytes, 0)
      this.#unread = end < 0 || end === bytes.length ? undefined : bytes.subarray(end)
      return this.#unread !== undefined
    } catch (error) {
      if (!(error instanceof MalformedBody)) throw error
      this.#reader = undefined
      this.#unread = undefined
      this.#body?.fail(malformed(error.message))
      return false
    }
  }

  /** Returns false when the head is not complete. */
  #readHead(): boolean {
    const bytes = this.#unread
    if (bytes === undefined) return false
    let start = 0
    while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2
    const end = bytes.indexOf(headEnd, Math.max(start, this.#scanned - 3))
    const length = (end < 0 ? bytes.length : end) - start
    const beginning = bytes.toString('latin1', start, start + 5)
    if (length > this.#context.limits.headBytes) return this.#refuse(headTooLarge(), beginning)
    if (end < 0) return this.#awaitHead(bytes, start)
    this.#scanned = 0
    this.#unread = end + 4 === bytes.length ? undefined : bytes.subarray(end + 4)
    return this.#beginBy(bytes.toString('latin1', start, end + 4), beginning)
  }

  /** Handles an incomplete head. One whose first line ends with a bare LF is malformed. Empty lines before a head are dropped and do not extend its timeout. */
  #awaitHead(bytes: Buffer, start: number): boolean {
    if (start === bytes.length) {
      this.#unread = undefined
      return false
    }
    if (this.#state === 'idle') {
      this.#state = 'head'
      this.#since = this.#context.now()
    }
    const feed = bytes.indexOf(10, start)
    if (feed >= 0 && bytes[feed - 1] !== 13)
      return this.#refuse(malformed('a line ends without CR'))
    this.#scanned = bytes.length
    return false
  }

  #begin(message: RequestMessage): void {
    const { framing, method, minor, keepAlive } = message
    const { events, limits } = this.#context
    const socket = this.#socket
    this.#state = 'exchange'
    this.#since = this.#context.now()
    this.#keepAlive = keepAlive
    const head = buildHead(message, this.#facts)
    const body =
      framing.kind === 'length' && framing.length === 0
        ? absentBody
        : this.#openBody(message, limits.bodyBytes)
    const reply = new ClientReply({ socket, method, minor, connection: this })
    this.#reply = reply
    const leave = events.onRequest(head, body, reply)
    if (this.#reply === reply) this.#leave = leave
  }

  #openBody({ framing, fields, minor }: RequestMessage, limit: number): RequestBody {
    const expects = minor === 1 && fields.expect[0]?.toLowerCase() === '100-continue'
    let hasSentContinue = !expects
    const body = openRequestBody({
      length: framing.kind === 'length' ? framing.length : undefined,
      limit,
      onWanted: () => {
        if (!hasSentContinue && body.received === 0)
          this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n')
        hasSentContinue = true
        this.#socket.resume()
      },
    })
    this.#body = body
    this.#reader = openBodyReader(framing, {
      part: (bytes) => {
        if (!body.feed(bytes)) this.#socket.pause()
      },
      end: (trailers) => {
        this.#reader = undefined
        body.end(trailers)
      },
    })
    return body
  }

  mayKeepAlive(): boolean {
    return this.#keepAlive && !this.#context.isDraining() && (this.#body?.isWhole ?? true)
  }

  answered(keepAlive: boolean): void {
    this.#reply = undefined
    this.#leave = undefined
    this.#reader = undefined
    this.#body = undefined
    this.#since = this.#context.now()
    if (!keepAlive) return this.#linger()
    this.#state = 'idle'
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#advance()
  }

  #linger(): void {
    this.#state = 'lingering'
    this.#unread = undefined
    this.#socket.resume()
    this.#socket.end()
  }

  /** Answers a malformed request and closes. */
  #refuse(problem: Problem, beginning = ''): false {
    const { events } = this.#context
    this.#state = 'exchange'
    this.#unread = undefined
    this.#keepAlive = false
    const reply = new ClientReply({
      socket: this.#socket,
      method: beginning === 'HEAD ' ? 'HEAD' : 'GET',
      minor: 1,
      connection: this,
    })
    events.onMalformed(problem, reply, this.#facts.clientAddress)
    return false
  }

  /** A half-closed client does not get a response, as in nginx; a lingering connection reads to the end. */
  #clientEnded(): void {
    if (this.#state === 'exchange') this.#left()
    if (this.#state !== 'tunnel') this.#socket.destroy()
  }

  #left(): void {
    this.#body?.fail(
      new Problem(
        'client.gone',
        499,
        'the client closed the connection before its request was complete',
      ),
    )
    this.#leave?.()
    this.#leave = undefined
  }

  switched(target: Duplex): void {
    const socket = this.#socket
    this.#state = 'tunnel'
    this.#leave = undefined
    this.#tunnel = target
    if (this.#unread !== undefined) target.write(this.#unread)
    this.#unread = undefined
    const end = (): void => {
      socket.destroy()
      target.destroy()
    }
    // The event of the exchange is recorded already; a reset of either side is how a tunnel may end.
    for (const stream of [socket, target]) stream.on('error', end).on('close', end)
    socket.on('end', () => target.end())
    target.on('drain', () => socket.resume())
    target.pipe(socket)
  }

  #pass(target: Duplex, bytes: Buffer, length: number): void {
    if (!target.write(copyOf(bytes, length))) this.#socket.pause()
  }
}
