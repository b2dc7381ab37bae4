import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Reply } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { httpDate } from './http-date.ts'
import { chunkHead, fieldLines, writePiece } from './write-message.ts'

/** What a reply needs to know of its connection. */
export type ReplyOptions = {
  readonly socket: Duplex
  readonly method: string
  readonly minor: number
  /** Whether the connection may serve another request, as far as is known when the answer begins. */
  readonly mayPersist: () => boolean
  /** The answer is out. */
  readonly onFinished: (persists: boolean) => void
  /** The connection becomes a tunnel to `peer`. */
  readonly onSwitched: (peer: Duplex) => void
}

/** The way back to an HTTP/1.1 client: head and first part leave together, and a body without a length leaves in chunks, or to an HTTP/1.0 client until the connection closes. */
export function openReply({
  socket,
  method,
  minor,
  mayPersist,
  onFinished,
  onSwitched,
}: ReplyOptions): Reply & { flush(): void } {
  let pending = ''
  let isChunked = false
  let persists = false

  const take = (): string => {
    const text = pending
    pending = ''
    return text
  }
  return {
    begin(status, headers) {
      const hasBody = method !== 'HEAD' && status !== 204 && status !== 304
      const hasLength = headers.get('content-length') !== undefined
      isChunked = hasBody && !hasLength && minor === 1
      persists = mayPersist() && (hasLength || !hasBody || isChunked)
      pending = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fieldLines(headers)}${ownLines(headers, { isChunked, persists, minor })}\r\n`
    },
    flush() {
      if (pending !== '') socket.write(take(), 'latin1')
    },
    write(chunk) {
      if (chunk.length === 0) return true
      return isChunked
        ? writePiece(socket, take() + chunkHead(chunk), chunk, '\r\n')
        : writePiece(socket, take(), chunk, '')
    },
    onWritable(resume) {
      socket.once('drain', resume)
    },
    finish(last, trailers) {
      const isEmpty = last === undefined || last.length === 0
      const end = isChunked ? `0\r\n${trailers === undefined ? '' : fieldLines(trailers)}\r\n` : ''
      if (isEmpty) writePiece(socket, take(), undefined, end)
      else if (isChunked) writePiece(socket, take() + chunkHead(last), last, `\r\n${end}`)
      else writePiece(socket, take(), last, '')
      onFinished(persists)
    },
    abort() {
      socket.destroy()
    },
    upgrade(headers, peer) {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fieldLines(headers)}\r\n`,
        'latin1',
      )
      onSwitched(peer as Duplex)
    },
  }
}

/** The lines that belong to this hop. */
function ownLines(
  headers: HeaderList,
  { isChunked, persists, minor }: { isChunked: boolean; persists: boolean; minor: number },
): string {
  const date = headers.get('date') === undefined ? `Date: ${httpDate()}\r\n` : ''
  const framing = isChunked ? 'Transfer-Encoding: chunked\r\n' : ''
  if (!persists) return `${date}${framing}Connection: close\r\n`
  return minor === 0 ? `${date}${framing}Connection: keep-alive\r\n` : `${date}${framing}`
}
