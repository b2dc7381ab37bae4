import { createServer, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  HEADERS,
  number,
  openRawHttp2,
  PADDED,
  PING,
  post,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../harness/open-raw-http2.ts'
import { until } from '../harness/until.ts'

let gateway: TestGateway
let upstream: Server
let stop = (): Promise<void> => Promise.resolve()

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.on('error', () => undefined)
    request.resume().on('end', () => response.end('ok'))
  })
  await new Promise<void>((resolve) => void upstream.listen(0, '127.0.0.1', resolve))
  const { port } = upstream.address() as AddressInfo
  gateway = await openGateway(
    {
      services: [{ name: 'api', host: '127.0.0.1', port }],
      routes: [{ paths: ['/'], service: 'api' }],
    },
    { onFinished: (end) => (stop = end) },
  )
})

afterAll(async () => {
  await stop()
  upstream.closeAllConnections()
  upstream.close()
})

const {
  NGHTTP2_PROTOCOL_ERROR: PROTOCOL_ERROR,
  NGHTTP2_FLOW_CONTROL_ERROR: FLOW_CONTROL_ERROR,
  NGHTTP2_STREAM_CLOSED: STREAM_CLOSED,
  NGHTTP2_FRAME_SIZE_ERROR: FRAME_SIZE_ERROR,
  NGHTTP2_COMPRESSION_ERROR: COMPRESSION_ERROR,
} = constants

const whole = END_STREAM | END_HEADERS
const open = (stream: number): Buffer => frame(HEADERS, END_HEADERS, stream, post)
const ask = (stream: number): Buffer => frame(HEADERS, whole, stream, get)
const data = (stream: number): Buffer => frame(DATA, 0, stream, Buffer.from('part'))
const reset = (stream: number): Buffer => frame(RST_STREAM, 0, stream, number(8))
const dependOn = (stream: number): Buffer => Buffer.concat([number(stream), Buffer.from([9])])
const window = (stream: number, size: number): Buffer =>
  frame(WINDOW_UPDATE, 0, stream, number(size))
const maxWindow = 2 ** 31 - 1

/** Frames after which RFC 9113 requires the connection to end, with the code. */
const connectionErrors: Readonly<Record<string, readonly [code: number, ...frames: Buffer[]]>> = {
  'DATA after RST_STREAM': [STREAM_CLOSED, open(1), reset(1), data(1)],
  'HEADERS after RST_STREAM': [STREAM_CLOSED, open(1), reset(1), ask(1)],
  'DATA after END_STREAM': [STREAM_CLOSED, ask(1), data(1)],
  'HEADERS after END_STREAM': [STREAM_CLOSED, ask(1), ask(1)],
  'HEADERS after trailers': [STREAM_CLOSED, open(1), frame(HEADERS, whole, 1), ask(1)],
  'DATA on a stream that was skipped': [STREAM_CLOSED, open(5), data(3)],
  'HEADERS on a stream that was skipped': [PROTOCOL_ERROR, open(5), open(3)],
  'PRIORITY on stream 0': [PROTOCOL_ERROR, frame(PRIORITY, 0, 0, dependOn(1))],
  'an idle stream that depends on itself': [PROTOCOL_ERROR, frame(PRIORITY, 0, 1, dependOn(1))],
  'padding longer than its frame': [
    PROTOCOL_ERROR,
    frame(HEADERS, whole | PADDED, 1, Buffer.from([99, ...get])),
  ],
  'a header block that does not decode': [
    COMPRESSION_ERROR,
    frame(HEADERS, whole, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
  ],
  'an index beyond the dynamic table': [
    COMPRESSION_ERROR,
    frame(HEADERS, whole, 1, Buffer.from([0xc0])),
  ],
  'HEADERS beyond the maximum frame size': [
    FRAME_SIZE_ERROR,
    frame(HEADERS, whole, 1, Buffer.alloc(16_385)),
  ],
  'CONTINUATION without HEADERS': [PROTOCOL_ERROR, frame(CONTINUATION, END_HEADERS, 1)],
  'a connection window above 2^31-1': [FLOW_CONTROL_ERROR, window(0, maxWindow)],
}

/** Frames after which RFC 9113 requires stream 1 to end, with the code. */
const streamErrors: Readonly<Record<string, readonly [code: number, ...frames: Buffer[]]>> = {
  'an open stream that depends on itself': [
    PROTOCOL_ERROR,
    open(1),
    frame(PRIORITY, 0, 1, dependOn(1)),
  ],
  'a window above 2^31-1 in one step': [FLOW_CONTROL_ERROR, open(1), window(1, maxWindow)],
  'a window above 2^31-1 in two steps': [
    FLOW_CONTROL_ERROR,
    frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), number(0)])),
    open(1),
    window(1, maxWindow),
    window(1, 999_999),
  ],
}

// Split into bytes only where it is short: each byte takes a turn of the event loop.
const ways = (frames: readonly Buffer[]): boolean[] =>
  Buffer.concat(frames).length > 1_000 ? [false] : [false, true]

test.each(Object.entries(connectionErrors))(
  'ends the connection after %s',
  async (_name, [code, ...frames]) => {
    for (const isSplit of ways(frames)) {
      const raw = openRawHttp2(gateway.port)
      await raw.send(Buffer.concat(frames), isSplit)
      await until('it is closed', () => raw.isClosed)
      expect(raw.goaway).toBe(code)
    }
    await until('its exchanges are over', () => gateway.proxy.exchanges === 0)
  },
)

test.each(Object.entries(streamErrors))(
  'resets a stream, and serves others, after %s',
  async (_name, [code, ...frames]) => {
    for (const isSplit of ways(frames)) {
      const raw = openRawHttp2(gateway.port)
      await raw.send(Buffer.concat(frames), isSplit)
      await until('it is reset', () => raw.endOf(1) === `reset ${code}`)
      await raw.send(ask(3))
      await until('another is answered', () => raw.endOf(3) === '200')
      expect(raw.goaway).toBe(undefined)
    }
    await until('its exchanges are over', () => gateway.proxy.exchanges === 0)
  },
)

test.each([false, true])(
  'ignores an unsolicited PING with ACK (byte by byte: %s)',
  async (isSplit) => {
    const raw = openRawHttp2(gateway.port)
    const ping = (flags: number, name: string): Buffer => frame(PING, flags, 0, Buffer.from(name))
    await raw.send(Buffer.concat([ping(ACK, 'unwanted'), ping(0, 'question')]), isSplit)
    await until('the other is answered', () => raw.frames.some(({ type }) => type === PING))
    await raw.send(ask(1))
    await until('a request is answered', () => raw.endOf(1) === '200')
    const pings = raw.frames.filter(({ type }) => type === PING)
    expect(pings.map(({ flags, payload }) => [flags, payload.toString()])).toEqual([
      [ACK, 'question'],
    ])
  },
)

test('continues to serve a client that uses streams that the gateway has reset or refused', async () => {
  const raw = openRawHttp2(gateway.port)
  const malformed = Buffer.concat([post, Buffer.from([0, 1, 0x41, 1, 0x41])])
  await raw.send(frame(HEADERS, END_HEADERS, 1, malformed))
  await until('it is refused', () => raw.endOf(1) !== undefined)
  await raw.send(Buffer.concat([data(1), frame(HEADERS, whole, 1), window(1, 9), reset(1)]))
  await raw.send(ask(3))
  await until('another is answered', () => raw.endOf(3) === '200')
  expect(raw.goaway).toBe(undefined)
})

test('answers an invalid connection preface as HTTP/1.1, which shares the port, and closes', async () => {
  const socket = net.connect(gateway.port, '127.0.0.1')
  socket.write('INVALID CONNECTION PREFACE\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
})
