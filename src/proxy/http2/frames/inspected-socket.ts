import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { copyOf, readInto, type ReceiveBytes } from '../../front/read-into.ts'
import { FrameInspector, type FrameFindings } from './inspect-frames.ts'

type Done = (error?: Error | null) => void

/** Buffers up to this size are copied into one, which costs less than a vectored write. */
const maxJoinedBytes = 65_536

/** Replaces the socket of an HTTP/2 session, to inspect its frames. */
export class InspectedSocket extends Duplex {
  readonly #socket: Socket
  /** Writes of a turn of the session. */
  #chunks: Buffer[] = []
  #done: Done[] = []
  #isCorked = false

  constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('end', () => void this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  /** Begins to read; `first` are bytes that were already read. */
  start(
    first: Buffer | undefined,
    findings: Omit<FrameFindings, 'sentBytes'>,
    onFault: (error: unknown) => void,
  ): void {
    const socket = this.#socket
    let isBroken = false
    const inspector = new FrameInspector({
      ...findings,
      onConnectionError(code) {
        isBroken = true
        findings.onConnectionError(code)
      },
      sentBytes: () => socket.bytesWritten,
    })
    let held: Buffer | undefined
    const take: ReceiveBytes = (landed, length) => {
      if (this.destroyed || isBroken) return
      try {
        const copy = copyOf(landed, length)
        const bytes = held === undefined ? copy : Buffer.concat([held, copy])
        const end = inspector.inspect(bytes)
        held = end < bytes.length ? bytes.subarray(end) : undefined
        if (isBroken || end === 0) return
        if (!this.push(held === undefined ? bytes : bytes.subarray(0, end))) socket.pause()
      } catch (error) {
        onFault(error)
        this.destroy()
      }
    }
    if (first !== undefined) take(first, first.length)
    readInto(socket, take)
  }

  override _read(): void {
    this.#socket.resume()
  }

  /** Passes by the queue of a stream: the socket has one. */
  override write(chunk: Buffer, done?: unknown): boolean {
    this.#chunks.push(chunk)
    if (typeof done === 'function') this.#done.push(done as Done)
    if (!this.#isCorked) this.#flush()
    return true
  }

  override cork(): void {
    this.#isCorked = true
  }

  override uncork(): void {
    this.#isCorked = false
    if (this.#chunks.length > 0) this.#flush()
  }

  #flush(): void {
    const [chunks, all] = [this.#chunks, this.#done]
    this.#chunks = []
    this.#done = []
    const done: Done = (error) => {
      for (const each of all) each(error)
    }
    const size = chunks.reduce((sum, { length }) => sum + length, 0)
    if (size <= maxJoinedBytes) {
      this.#socket.write(joined(chunks), done)
      return
    }
    this.#socket.cork()
    const last = chunks.pop() as Buffer
    for (const chunk of chunks) this.#socket.write(chunk)
    this.#socket.write(last, done)
    this.#socket.uncork()
  }

  override _final(done: Done): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy()
    done(error)
  }
}

const joined = (chunks: readonly Buffer[]): Buffer =>
  chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
