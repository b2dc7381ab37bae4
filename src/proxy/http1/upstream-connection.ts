import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Problem } from '../../lib/problem.ts'
import type { UpstreamRequest } from '../walk/ask-upstream.ts'
import type { RequestBody } from '../exchange.ts'
import { AnswerReader, type AnswerFlow, type Settle } from './answer-reader.ts'
import { MalformedBody, type BodyReader, openBodyReader } from './body-reader.ts'
import { readResponse, type ResponseMessage } from './read-message.ts'
import { copyOf, readInto } from '../front/read-into.ts'
import { toAttemptFailure } from './upstream-failure.ts'
import { chunkHead, fieldLines, writeParts } from './write-message.ts'

export type PoolEvents = {
  /** The connection is idle and reusable. */
  onIdle(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
  now(): number
}

const headEnd = Buffer.from('\r\n\r\n')
const maxHeadBytes = 65_536
const maxInterimResponses = 32

/** The target sent something that is not HTTP/1.1, or closed too early. */
const brokenAnswer = (reason: string): Error =>
  Object.assign(new Error(reason), { code: 'UPSTREAM_BROKEN' })
const stalled = (milliseconds: number): Error =>
  Object.assign(new Error(`nothing moved for ${milliseconds} ms`), { code: 'ETIMEDOUT' })

type Current = {
  readonly attempt: UpstreamRequest
  readonly settle: Settle
  readonly answer: AnswerReader
  /** The timeout in milliseconds, and when it began. */
  timeout: number
  since: number
  isSent: boolean
  upload: Readable | undefined
  message: ResponseMessage | undefined
  /** Whether a byte of the answer arrived, and whether its head was passed on. */
  hasBytes: boolean
  isAnswered: boolean
  reader: BodyReader | undefined
  interim: number
}

/** A connection to a target, which serves one attempt at a time. */
export class UpstreamConnection implements AnswerFlow {
  readonly #socket: Socket
  readonly #pool: PoolEvents
  #current: Current | undefined
  #unread: Buffer | undefined
  #isConnected = false
  #idleSince = 0

  constructor(socket: Socket, pool: PoolEvents, readyEvent: 'connect' | 'secureConnect') {
    this.#socket = socket
    this.#pool = pool
    socket.on(readyEvent, () => this.#connected())
    socket.on('drain', () => this.#current?.upload?.resume())
    socket.on('error', (error) => this.#fail(error))
    socket.on('end', () => this.#ended())
    socket.on('close', () => {
      this.#fail(brokenAnswer('the connection closed'))
      pool.onClosed(this)
    })
  }

  /** Time since which the connection is idle, by the pool's clock; undefined while it is in use. */
  get idleSince(): number | undefined {
    return this.#current === undefined ? this.#idleSince : undefined
  }

  /** The connection must be idle. */
  send(attempt: UpstreamRequest, settle: Settle): void {
    const answer = new AnswerReader(this)
    const { connect } = attempt.timeouts
    this.#current = {
      attempt,
      settle,
      answer,
      timeout: connect,
      since: this.#pool.now(),
      isSent: false,
      upload: undefined,
      message: undefined,
      hasBytes: false,
      isAnswered: false,
      reader: undefined,
      interim: 0,
    }
    attempt.onStart((reason) => this.#giveUp(reason))
    if (this.#isConnected) this.#write()
  }

  /** Applies the timeout of the current attempt. */
  sweep(now: number): void {
    const current = this.#current
    if (current === undefined || this.#isHeld() || now - current.since <= current.timeout) return
    this.#fail(stalled(current.timeout))
    this.#socket.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The response is paused by back-pressure, so no progress is expected. */
  #isHeld = (): boolean => this.#current?.message !== undefined && this.#socket.isPaused()

  #giveUp(reason: Problem): void {
    this.#fail(reason)
    this.#socket.destroy()
  }

  #connected(): void {
    this.#isConnected = true
    readInto(this.#socket, (bytes, length) => this.#take(copyOf(bytes, length)))
    if (this.#current !== undefined) this.#write()
  }

  #write(): void {
    const current = this.#current
    if (current === undefined) return
    const { method, path, host, headers, body, timeouts } = current.attempt
    const isChunked = body.present && body.length === undefined
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${fieldLines(headers)}${framingLine(method, body)}\r\n`
    current.since = this.#pool.now()
    current.timeout = body.present ? timeouts.write : timeouts.read
    current.isSent = true
    this.#socket.write(head, 'latin1')
    if (body.present) this.#upload(current, isChunked)
  }

  #upload(current: Current, isChunked: boolean): void {
    const upload = current.attempt.body.open() as Readable
    current.upload = upload
    const isMine = (): boolean => this.#current === current && current.upload === upload
    upload.on('data', (bytes: Buffer) => {
      if (!isMine()) return
      current.since = this.#pool.now()
      const isFast = isChunked
        ? writeParts(this.#socket, chunkHead(bytes), bytes, '\r\n')
        : this.#socket.write(bytes)
      if (!isFast) upload.pause()
    })
    upload.on('end', () => {
      if (!isMine()) return
      const { trailers } = current.attempt.body
      if (isChunked)
        this.#socket.write(
          `0\r\n${trailers === undefined ? '' : fieldLines(trailers)}\r\n`,
          'latin1',
        )
      current.upload = undefined
      current.since = this.#pool.now()
      current.timeout = current.attempt.timeouts.read
    })
    upload.on('error', (error) => {
      if (!isMine()) return
      this.#fail(error)
      this.#socket.destroy()
    })
  }

  #take(bytes: Buffer): void {
    const current = this.#current
    if (current === undefined) return void this.#socket.destroy()
    current.since = this.#pool.now()
    current.hasBytes = true
    try {
      if (current.reader === undefined)
        this.#readHead(
          current,
          this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]),
        )
      else this.#readBody(current, bytes)
    } catch (error) {
      this.#fail(error instanceof MalformedBody ? brokenAnswer(error.message) : error)
      this.#socket.destroy()
    }
  }

  #readHead(current: Current, bytes: Buffer): void {
    const end = bytes.indexOf(headEnd)
    if (end < 0) {
      if (bytes.length > maxHeadBytes) throw new MalformedBody('the head of the answer is too long')
      this.#unread = bytes
      return
    }
    this.#unread = undefined
    const message = readResponse(bytes.toString('latin1', 0, end + 4), current.attempt.method)
    if (message === undefined || message.status === 101)
      throw new MalformedBody('the head of the answer is malformed')
    const rest = bytes.subarray(end + 4)
    if (message.status < 200) {
      current.interim += 1
      if (current.interim > maxInterimResponses)
        throw new MalformedBody('there is no end of interim answers')
      if (message.status !== 100)
        current.attempt.onInterim?.(message.status, message.fields.headers)
      if (rest.length > 0) this.#readHead(current, rest)
      return
    }
    this.#answer(current, message, rest)
  }

  #answer(current: Current, message: ResponseMessage, rest: Buffer): void {
    const { answer, settle, attempt } = current
    current.message = message
    current.timeout = attempt.timeouts.read
    const { status, framing, fields } = message
    if (framing.kind === 'length' && framing.length === 0) {
      current.isAnswered = true
      settle.resolve({ status, headers: fields.headers, body: undefined })
      this.#finished(current, rest.length > 0)
      return
    }
    current.reader = openBodyReader(framing, {
      part: (bytes) => answer.part(bytes),
      end: (trailers) => answer.end(trailers),
    })
    // First, because a malformed body that came with the head can still be answered with 502.
    if (rest.length > 0) this.#readBody(current, rest)
    current.isAnswered = true
    settle.resolve({ status, headers: fields.headers, body: answer })
  }

  #readBody(current: Current, bytes: Buffer): void {
    const end = current.reader?.read(bytes, 0) ?? -1
    if (end >= 0) this.#finished(current, end < bytes.length)
  }

  /** The response is complete. The connection is reusable if the request was sent completely and nothing follows the response. */
  #finished(current: Current, hasMore: boolean): void {
    const mayServeOn =
      current.message?.keepAlive === true && current.upload === undefined && !hasMore
    current.upload = undefined
    this.#current = undefined
    this.#idleSince = this.#pool.now()
    if (this.#socket.isPaused()) this.#socket.resume()
    if (mayServeOn) this.#pool.onIdle(this)
    else this.#socket.destroy()
  }

  #ended(): void {
    const current = this.#current
    if (current?.reader?.close() === true) this.#finished(current, true)
    else this.#socket.destroy()
  }

  #fail(error: unknown): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    current.upload = undefined
    const failure = toAttemptFailure(error, current.isSent ? 'sent' : 'connect')
    if (!current.isAnswered) current.settle.reject(failure, isClosure(error, current))
    else current.answer.fail(failure.problem)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#current !== undefined) this.#current.since = this.#pool.now()
    this.#socket.resume()
  }
}

/** Whether the target closed the connection without a byte of an answer, as targets do with idle connections. */
const isClosure = (error: unknown, { isSent, hasBytes }: Current): boolean =>
  isSent && !hasBytes && closures.has((error as NodeJS.ErrnoException).code ?? '')

const closures: ReadonlySet<string> = new Set(['UPSTREAM_BROKEN', 'ECONNRESET', 'EPIPE'])

/** The framing field of this hop. It follows from the body and never from the client's fields, which a client can remove by naming them in Connection. */
function framingLine(method: string, { present, length }: RequestBody): string {
  if (present)
    return length === undefined ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`
  return usuallyWithBody.has(method) ? 'Content-Length: 0\r\n' : ''
}

/** Methods whose requests have Content-Length: 0 without a body (RFC 9110 section 8.6). */
const usuallyWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
