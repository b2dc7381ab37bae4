import { once } from 'node:events'
import http2 from 'node:http2'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  HEADERS,
  number,
  openRawHttp2,
  PING,
  post,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../harness/open-raw-http2.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A literal of 4,000 characters for the dynamic table, and the octet that refers to it afterwards. */
const large = Buffer.concat([
  Buffer.from([0x40, 0x01, 0x78, 0x7f, 0xa1, 0x1e]),
  Buffer.alloc(4_000, 'y'),
])
const again = 0xbe

/** Each sends its `index`th piece until the connection closes, at most `most` times. */
const attacks: Readonly<Record<string, { most: number; piece: (index: number) => Buffer }>> = {
  'requests that are taken back at once (CVE-2023-44487)': {
    most: 20_000,
    piece: (index) =>
      Buffer.concat([
        frame(HEADERS, END_STREAM | END_HEADERS, index * 2 + 1, get),
        frame(RST_STREAM, 0, index * 2 + 1, number(8)),
      ]),
  },
  'requests that the server has to take back (CVE-2025-8671)': {
    most: 20_000,
    piece: (index) =>
      Buffer.concat([
        frame(HEADERS, END_HEADERS, index * 2 + 1, post),
        frame(WINDOW_UPDATE, 0, index * 2 + 1, number(0)),
      ]),
  },
  'pings (CVE-2019-9512)': {
    most: 100_000,
    piece: () => frame(PING, 0, 0, Buffer.alloc(8)),
  },
  'settings (CVE-2019-9515)': { most: 100_000, piece: () => frame(SETTINGS, 0, 0) },
  'a head without end (CVE-2024-27983)': {
    most: 100_000,
    piece: (index) =>
      index === 0
        ? frame(HEADERS, END_STREAM, 1, get)
        : frame(CONTINUATION, 0, 1, Buffer.from([0x00, 0x01, 0x78, 0x01, 0x79])),
  },
  'empty parts of a body (CVE-2019-9518)': {
    most: 200_000,
    piece: (index) => (index === 0 ? frame(HEADERS, END_HEADERS, 1, post) : frame(DATA, 0, 1)),
  },
  'priorities (CVE-2019-9513)': {
    most: 200_000,
    piece: (index) => frame(PRIORITY, 0, (index % 1_000) * 2 + 1, Buffer.from([0, 0, 0, 0, 9])),
  },
  'windows that grow by one (CVE-2019-9511)': {
    most: 3_000_000,
    piece: () => frame(WINDOW_UPDATE, 0, 0, number(1)),
  },
}

for (const [name, { most, piece }] of Object.entries(attacks)) {
  test(`a flood of ${name} closes its connection and no other`, async () => {
    const upstream = await startUpstream((request, response) => {
      if (request.method === 'GET') response.end('ok')
    })
    const gateway = await openGateway({
      services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
      routes: [{ paths: ['/'], service: 'api' }],
    })
    const sent = await flood(gateway.port, most, piece)
    expect(sent, 'the connection was ended').toBeLessThan(most)
    await stillServes(gateway.port)
    await until('nothing is left of it', () => gateway.proxy.exchanges === 0)
  })
}

test('rejects a head that grows a thousandfold when it is decompressed', async () => {
  let requests = 0
  const upstream = await startUpstream((_request, response) => {
    requests += 1
    response.end('ok')
  })
  const gateway = await openGateway({
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api' }],
  })
  const bomb = Buffer.concat([get, large, Buffer.alloc(8_000, again)])
  await flood(gateway.port, 20, (index) =>
    frame(HEADERS, END_STREAM | END_HEADERS, index * 2 + 1, bomb),
  )
  expect(requests).toBe(0)
  await stillServes(gateway.port)
})

test('returns 408 when a body stalls, and resets a stream whose response is not read', async () => {
  const upstream = await startUpstream((request, response) => {
    if (request.method === 'POST') return void request.resume()
    response.end(Buffer.alloc(8_000_000))
  })
  const gateway = await openGateway(
    {
      services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
      routes: [{ paths: ['/'], service: 'api' }],
    },
    { limits: { bodyMilliseconds: 300, writeMilliseconds: 300 } },
  )
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const slow = session.request({ ':method': 'POST', ':path': '/' })
  slow.on('error', () => undefined)
  slow.write('a part')
  const [head] = (await once(slow, 'response')) as [http2.IncomingHttpHeaders]
  expect(head[':status']).toBe(408)
  const greedy = session.request({ ':path': '/' })
  greedy.on('error', () => undefined)
  greedy.pause()
  await once(greedy, 'response')
  await until('the exchange is over', () => gateway.events.length === 2)
  expect(gateway.events[1]).toMatchObject({ reason: 'client.closed' })
})

/** Sends pieces until the peer closes; returns their number. */
async function flood(port: number, most: number, piece: (index: number) => Buffer) {
  const raw = openRawHttp2(port)
  const { socket } = raw
  await once(socket, 'connect')
  let sent = 0
  while (sent < most && !raw.isClosed) {
    const some = Array.from({ length: Math.min(200, most - sent) }, (_, at) => piece(sent + at))
    sent += some.length
    if (!socket.write(Buffer.concat(some)) && !raw.isClosed)
      await new Promise((resolve) => void socket.once('drain', resolve).once('close', resolve))
    await new Promise((resolve) => void setImmediate(resolve))
  }
  return sent
}

async function stillServes(port: number): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  expect(head[':status']).toBe(200)
}
