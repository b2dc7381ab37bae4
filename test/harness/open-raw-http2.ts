import net, { type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Types of frames (RFC 9113 section 6). */
export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
/** Flags of frames. */
export const ACK = 1
export const END_STREAM = 1
export const END_HEADERS = 4
export const PADDED = 8

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A frame (RFC 9113 section 4.1). */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A number of 32 bits. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** GET / of http://a in HPACK: three entries of the static table and one literal (RFC 7541). */
export const get = Buffer.from([0x82, 0x84, 0x86, 0x41, 0x01, 0x61])
/** The same for POST. */
export const post = Buffer.from([0x83, 0x84, 0x86, 0x41, 0x01, 0x61])

export type RawFrame = {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A client connection that sends raw frames. */
export type RawHttp2 = {
  readonly socket: Socket
  readonly frames: readonly RawFrame[]
  readonly isClosed: boolean
  /** The status of the response to a stream, or the code of its reset; the latter of both. */
  endOf(stream: number): string | undefined
  /** The code of the GOAWAY frame. */
  readonly goaway: number | undefined
  /** Sends bytes; with `isSplit` each byte in its own iteration of the event loop. */
  send(bytes: Buffer, isSplit?: boolean): Promise<void>
}

/** Begins HTTP/2 on a connection to a local port, or on a socket. */
export function openRawHttp2(to: number | Socket): RawHttp2 {
  const socket =
    typeof to === 'number' ? net.connect({ port: to, host: '127.0.0.1', noDelay: true }) : to
  const frames: RawFrame[] = []
  let isClosed = false
  let bytes = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('close', () => (isClosed = true))
  socket.on('data', (part: Buffer) => {
    bytes = Buffer.concat([bytes, part])
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const payload = bytes.subarray(9, 9 + bytes.readUIntBE(0, 3))
      const [type, flags] = [bytes.readUInt8(3), bytes.readUInt8(4)]
      frames.push({ type, flags, stream: bytes.readUInt32BE(5), payload })
      bytes = bytes.subarray(9 + payload.length)
    }
  })
  onTestFinished(() => void socket.destroy())
  socket.write(Buffer.concat([preface, frame(SETTINGS, 0, 0)]))
  return {
    socket,
    frames,
    get isClosed() {
      return isClosed
    },
    endOf(stream) {
      const own = frames.filter((each) => each.stream === stream)
      const last = own.findLast(({ type }) => type === HEADERS || type === RST_STREAM)
      if (last === undefined) return undefined
      return last.type === HEADERS ? statusOf(last.payload) : `reset ${last.payload.readUInt32BE()}`
    },
    get goaway() {
      return frames.find(({ type }) => type === GOAWAY)?.payload.readUInt32BE(4)
    },
    async send(all, isSplit = false) {
      for (const part of isSplit ? Array.from(all, (byte) => Buffer.from([byte])) : [all]) {
        if (isClosed) return
        socket.write(part)
        await new Promise((resolve) => void setImmediate(resolve))
      }
    },
  }
}

/** `:status` comes first: entry 8 of the static table is 200, 12 is 400; another status is a literal. */
function statusOf(block: Buffer): string {
  const at = block.findIndex((byte) => byte >= 0x80 || (byte & 0xe0) !== 0x20)
  return { 0x88: '200', 0x8c: '400' }[block[at] ?? 0] ?? 'other'
}
