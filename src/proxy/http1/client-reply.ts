import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Reply } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { chunkHead, fieldLines, writeParts } from './write-message.ts'

export type ReplyConnection = {
  /** Whether the connection may be kept alive, as known when the response begins. */
  mayKeepAlive(): boolean
  /** The response was written. */
  answered(keepAlive: boolean): void
  switched(target: Duplex): void
}

export type ReplyOptions = {
  readonly socket: Duplex
  readonly method: string
  readonly minor: number
  readonly connection: ReplyConnection
}

/** Writes a response: the head leaves with the first part of the body. A body without a length is chunked, or ends with the connection for an HTTP/1.0 client. */
export class ClientReply implements Reply {
  readonly #options: ReplyOptions
  #pending = ''
  #hasBody = true
  #isChunked = false
  #keepAlive = false

  constructor(options: ReplyOptions) {
    this.#options = options
  }

  interim(status: number, headers: HeaderList): void {
    const { socket, minor } = this.#options
    // RFC 9110 section 15.2: not to HTTP/1.0.
    if (minor === 0 || socket.destroyed || socket.writableEnded) return
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
    socket.write(`${line}${fieldLines(headers)}\r\n`, 'latin1')
  }

  begin(status: number, headers: HeaderList): void {
    const { method, minor, connection } = this.#options
    this.#hasBody = method !== 'HEAD' && status !== 204 && status !== 304
    const hasLength = headers.get('content-length') !== undefined
    this.#isChunked = this.#hasBody && !hasLength && minor === 1
    this.#keepAlive = (hasLength || !this.#hasBody || this.#isChunked) && connection.mayKeepAlive()
    const own = ownLines(headers, this.#isChunked, this.#keepAlive, minor)
    this.#pending = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fieldLines(headers)}${own}\r\n`
  }

  flush(): void {
    if (this.#pending !== '') this.#options.socket.write(this.#take(), 'latin1')
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0 || !this.#hasBody) return true
    const { socket } = this.#options
    return this.#isChunked
      ? writeParts(socket, this.#take() + chunkHead(chunk), chunk, '\r\n')
      : writeParts(socket, this.#take(), chunk, '')
  }

  get pendingBytes(): number {
    return this.#options.socket.writableLength
  }

  onWritable(resume: () => void): void {
    this.#options.socket.once('drain', resume)
  }

  finish(last?: Uint8Array, trailers?: HeaderList): void {
    const { socket, connection } = this.#options
    const isEmpty = last === undefined || last.length === 0 || !this.#hasBody
    const end = this.#isChunked
      ? `0\r\n${trailers === undefined ? '' : fieldLines(trailers)}\r\n`
      : ''
    if (isEmpty) writeParts(socket, this.#take(), undefined, end)
    else if (!this.#isChunked) writeParts(socket, this.#take(), last, '')
    else writeParts(socket, this.#take() + chunkHead(last), last, `\r\n${end}`)
    connection.answered(this.#keepAlive)
  }

  abort(): void {
    this.#options.socket.destroy()
  }

  upgrade(headers: HeaderList, target: Duplex): void {
    const { socket, connection } = this.#options
    const own = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${own}${fieldLines(headers)}\r\n`, 'latin1')
    connection.switched(target)
  }

  #take(): string {
    const text = this.#pending
    this.#pending = ''
    return text
  }
}

/** Hop-by-hop fields. */
function ownLines(
  headers: HeaderList,
  isChunked: boolean,
  keepAlive: boolean,
  minor: number,
): string {
  const date = headers.get('date') === undefined ? `Date: ${httpDate()}\r\n` : ''
  const framing = isChunked ? 'Transfer-Encoding: chunked\r\n' : ''
  if (!keepAlive) return `${date}${framing}Connection: close\r\n`
  return minor === 0 ? `${date}${framing}Connection: keep-alive\r\n` : `${date}${framing}`
}

let date = ''
let second = 0

/** The current HTTP date (RFC 9110 section 5.6.7), formatted once per second. */
export function httpDate(now = Date.now()): string {
  const current = Math.floor(now / 1000)
  if (current !== second) {
    second = current
    date = new Date(now).toUTCString()
  }
  return date
}
