import { once } from 'node:events'
import http2 from 'node:http2'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { FrameInspector } from '../../src/proxy/http2/frames/inspect-frames.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway } from '../harness/open-gateway.ts'
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  openRawHttp2,
} from '../harness/open-raw-http2.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A literal field with a literal name (RFC 7541 section 6.2), added to the dynamic table or not. */
function literal(name: string, value: string, isIndexed = false): Buffer {
  const text = (of: string): Buffer => Buffer.from([of.length, ...Buffer.from(of, 'latin1')])
  return Buffer.concat([Buffer.from([isIndexed ? 0x40 : 0]), text(name), text(value)])
}

/** Parts of a request; each may be another value or a repeated one. */
const head = (fields: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.concat(
    Object.entries({
      ':method': 'GET',
      ':scheme': 'http',
      ':authority': 'a.example',
      ':path': '/x',
      ...fields,
    })
      .filter(([, value]) => value !== '')
      .map(([name, value]) => literal(name, value)),
  )

/** Fields that RFC 9113 section 8.2.1, or HTTP/1.1, calls malformed. */
const malformed: Readonly<Record<string, Buffer>> = {
  'an upper-case name': literal('X-Up', 'v'),
  'a name with a space': literal('a b', 'v'),
  'a name with a colon': literal('a:b', 'v'),
  'a name with a control character': literal('a\x01', 'v'),
  'a name with DEL': literal('a\x7f', 'v'),
  'a name with 0x80': literal('a\x80', 'v'),
  'an empty name': literal('', 'v'),
  'a value with NUL': literal('x', 'a\0b'),
  'a value with CR': literal('x', 'a\rb'),
  'a value with LF': literal('x', 'a\nb'),
  'a value with another control character': literal('x', 'a\x01b'),
  'a value that begins with a space': literal('x', ' v'),
  'a value that ends with a space': literal('x', 'v '),
  'a value that ends with a tab': literal('x', 'v\t'),
  // NUL in the code of RFC 7541 Appendix B: 13 bits, then padding.
  'a value with NUL in Huffman code': Buffer.from([0, 1, 0x78, 0x82, 0xff, 0xc7]),
}

const malformedHeads: Readonly<Record<string, Buffer>> = {
  'a fragment in :path': head({ ':path': '/a#b' }),
  'a raw 0x80 in :path': head({ ':path': '/a\x80' }),
  'a :path without a slash': head({ ':path': 'x' }),
  'another Host than :authority': Buffer.concat([head(), literal('host', 'b.example')]),
  'a port in Host that :authority lacks': Buffer.concat([head(), literal('host', 'a.example:81')]),
  'no Host': head({ ':authority': '' }),
  'a malformed :authority': head({ ':authority': 'a"b' }),
  'an unknown method': head({ ':method': 'FOO' }),
  'an unknown scheme': head({ ':scheme': 'ftp' }),
}

async function openEcho() {
  const upstream = await startUpstream()
  return openGateway(
    {
      services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
      routes: [{ paths: ['/'], service: 'api' }],
    },
    { certificate: await (await makeAuthority('test')).issue({ names: ['a.example'] }) },
  )
}

const refusals = Object.entries({
  ...Object.fromEntries(
    Object.entries(malformed).map(([name, field]) => [name, Buffer.concat([head(), field])]),
  ),
  ...malformedHeads,
})

test.each(['plain', 'TLS'])(
  'refuses a request with a malformed field instead of dropping the field, over %s',
  async (kind) => {
    const gateway = await openEcho()
    const connect = async (): Promise<Socket> => {
      if (kind === 'plain') return net.connect(gateway.port, '127.0.0.1')
      const options = { port: gateway.securePort, rejectUnauthorized: false, ALPNProtocols: ['h2'] }
      const socket = tls.connect({ host: '127.0.0.1', ...options })
      await once(socket, 'secureConnect')
      return socket
    }
    const raw = openRawHttp2(await connect())
    const { socket } = raw
    for (const [at, [, block]] of refusals.entries())
      socket.write(frame(HEADERS, END_STREAM | END_HEADERS, at * 2 + 1, block))
    const last = refusals.length * 2 + 1
    const streams = [...refusals.map((_, at) => at * 2 + 1), last]
    socket.write(frame(HEADERS, END_STREAM | END_HEADERS, last, head()))
    await until(
      'all have ended',
      () => raw.isClosed || streams.every((id) => raw.endOf(id) !== undefined),
    )
    const ends = refusals.map(([name], at) => [name, raw.endOf(at * 2 + 1)])
    expect(ends.filter(([, end]) => end !== '400' && !end?.startsWith('reset'))).toEqual([])
    expect(raw.endOf(last), 'the connection goes on').toBe('200')
    await until('they are recorded', () => gateway.events.some(({ status }) => status === 200))
    const reasons = new Set(
      gateway.events.filter(({ status }) => status !== 200).map(({ reason }) => reason),
    )
    expect(reasons).toEqual(new Set(['request.malformed']))
  },
)

test('refuses a malformed field from the dynamic table again, split over frames and bytes', async () => {
  const gateway = await openEcho()
  const raw = openRawHttp2(gateway.port)
  const block = Buffer.concat([head(), literal('a b', 'v', true)])
  const continued = Buffer.concat([
    frame(HEADERS, END_STREAM, 1, block.subarray(0, 20)),
    frame(CONTINUATION, 0, 1, block.subarray(20, 50)),
    frame(CONTINUATION, END_HEADERS, 1, block.subarray(50)),
  ])
  await raw.send(continued, true)
  // Entry 62 is the newest of the dynamic table.
  const again = Buffer.concat([head(), Buffer.from([0xbe])])
  await raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, again))
  await raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, head()))
  const ends = () => [1, 3, 5].map((stream) => raw.endOf(stream))
  await until('all have ended', () => ends().every((end) => end !== undefined))
  expect(ends()).toEqual(['400', '400', '200'])
})

test('resets a stream whose trailers have a malformed field', async () => {
  const seen = { begun: 0, ended: 0 }
  const upstream = await startUpstream((request, response) => {
    seen.begun += 1
    request.on('error', () => undefined)
    request.resume().on('end', () => {
      seen.ended += 1
      response.end()
    })
  })
  const gateway = await openGateway({
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api', request_buffering: false }],
  })
  const raw = openRawHttp2(gateway.port)
  const { socket } = raw
  socket.write(frame(HEADERS, END_HEADERS, 1, head({ ':method': 'POST' })))
  socket.write(frame(DATA, 0, 1, Buffer.from('part')))
  await until('the service has the head', () => seen.begun === 1)
  socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, literal('a b', 'v')))
  await until('it is reset', () => raw.endOf(1)?.startsWith('reset'))
  expect(seen.ended).toBe(0)
})

test('finds nothing malformed in requests of real clients, however they are split', async () => {
  const sent: Buffer[] = []
  const server = http2.createServer((_request, response) => response.end())
  server.on('connection', (socket: Socket) => socket.on('data', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = net.createServer((socket) => {
    const target = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('data', (part: Buffer) => {
      sent.push(part)
      target.write(part)
    })
    target.pipe(socket)
    for (const end of [socket, target]) end.on('error', () => undefined)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const session = http2.connect(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  session.on('error', () => undefined)
  onTestFinished(() => {
    session.destroy()
    proxy.close()
    server.close()
  })
  const value = fc
    .string({ unit: fc.constantFrom(...Array.from('aZ09 ,;=%"~\xe9')) })
    .map((text) => text.trim())
  const fields = fc.dictionary(fc.stringMatching(/^x-[a-z0-9_-]{1,30}$/), value, { maxKeys: 12 })
  for (const more of fc.sample(fields, 300)) {
    const stream = session.request({ ...more, ':path': `/${Object.keys(more).length}` })
    stream.resume()
    await once(stream, 'close')
  }
  const bytes = Buffer.concat(sent)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
      const found: string[] = []
      const passed: Buffer[] = []
      const inspector = new FrameInspector({
        onMalformed: (stream) => void found.push(`malformed ${stream}`),
        onStreamError: (stream, code) => void found.push(`error ${code} of ${stream}`),
        onConnectionError: (code) => void found.push(`error ${code}`),
        sentBytes: () => 0,
      })
      let held = Buffer.alloc(0)
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const part = bytes.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
        held = Buffer.concat([held, part])
        const end = inspector.inspect(held)
        passed.push(held.subarray(0, end))
        held = held.subarray(end)
        at += part.length
      }
      expect(found).toEqual([])
      expect(Buffer.concat([...passed, held]).equals(bytes)).toBe(true)
    }),
    { numRuns: 20 },
  )
})
