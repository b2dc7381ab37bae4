import net from 'node:net'
import { fieldOf, openMessageReader, type Message } from './read-messages.ts'

/** A client connection that sends raw bytes and parses responses strictly. */
export type RawClient = {
  /** Final responses so far, without 1xx. */
  readonly answers: Message[]
  readonly interims: Message[]
  /** Protocol violations of the server. */
  readonly complaints: string[]
  readonly closed: boolean
  /** The method of the request that the response with this number belongs to. */
  methodOf: (answer: number) => string
  /** Sends each piece in its own iteration of the event loop. */
  send(pieces: readonly Buffer[]): Promise<void>
  end(): void
  destroy(): void
  /** Waits until `holds` returns true; false after the timeout. */
  until(holds: () => boolean, milliseconds?: number): Promise<boolean>
}

/** Connects to a local port. */
export function openRawClient(port: number): RawClient {
  const answers: Message[] = []
  const interims: Message[] = []
  const complaints: string[] = []
  let closed = false
  let onChange: (() => void) | undefined
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const reader = openMessageReader({
    ruleOf(start, fields) {
      const status = Number(start.slice(9, 12))
      if (status < 200 || status === 204 || status === 304) return 'none'
      // The method of a malformed request is unknown, so it may have been HEAD.
      const isLast = status >= 400 && fieldOf(fields, 'connection') === 'close'
      return client.methodOf(answers.length) === 'HEAD' && !isLast ? 'none' : 'until close'
    },
    onMessage: (message) =>
      void (message.start.startsWith('HTTP/1.1 1') ? interims : answers).push(message),
  })
  const attempt = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      complaints.push(`to the client: ${String(error)}`)
      socket.destroy()
    }
    onChange?.()
  }
  let isHttp2: boolean | undefined
  socket.on('data', (chunk) => {
    isHttp2 ??= isSettings(chunk)
    if (!isHttp2) attempt(() => reader.feed(chunk))
  })
  socket.on('end', () => {
    attempt(() => reader.end())
    socket.end()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
    onChange?.()
  })
  const client: RawClient = {
    answers,
    interims,
    complaints,
    get closed() {
      return closed || socket.destroyed
    },
    methodOf: () => 'GET',
    async send(pieces) {
      for (const piece of pieces) {
        if (closed || !socket.writable) return
        socket.write(piece)
        if (pieces.length > 1) await new Promise((resolve) => void setImmediate(resolve))
      }
    },
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    until(holds, milliseconds = 45_000) {
      if (holds()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const settle = (held: boolean): void => {
          clearTimeout(timer)
          onChange = undefined
          resolve(held)
        }
        const timer = setTimeout(() => settle(holds()), milliseconds)
        onChange = () => holds() && settle(true)
      })
    },
  }
  return client
}

/** The server's HTTP/2 preface (RFC 9113 section 3.4); further bytes are ignored. */
const isSettings = (bytes: Buffer): boolean => bytes[0] === 0 && bytes[3] === 4
