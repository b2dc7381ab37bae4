import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { HeaderList } from '../header-list.ts'
import { ClientReply, httpDate } from './client-reply.ts'

function openReply({
  method = 'GET',
  minor = 1,
  mayKeepAlive = true,
  highWaterMark = 65_536,
} = {}) {
  const socket = new PassThrough({ highWaterMark })
  const answered: boolean[] = []
  const switched: unknown[] = []
  const connection = {
    mayKeepAlive: () => mayKeepAlive,
    answered: (keepAlive: boolean) => void answered.push(keepAlive),
    switched: (target: unknown) => void switched.push(target),
  }
  const reply = new ClientReply({ socket, method, minor, connection })
  return { reply, socket, answered, switched, sent: () => String(socket.read() ?? '') }
}

const own = (...flat: string[]): HeaderList => new HeaderList(['Date', 'D', ...flat])
const bytes = (text: string): Buffer => Buffer.from(text)

test.each([
  ['GET', 1, true, ['Content-Length', '2'], '', 'ok', true],
  ['GET', 1, false, ['Content-Length', '2'], 'Connection: close\r\n', 'ok', false],
  ['GET', 0, true, ['Content-Length', '2'], 'Connection: keep-alive\r\n', 'ok', true],
  ['GET', 0, false, ['Content-Length', '2'], 'Connection: close\r\n', 'ok', false],
  ['GET', 1, true, [], 'Transfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n', true],
  [
    'GET',
    1,
    false,
    [],
    'Transfer-Encoding: chunked\r\nConnection: close\r\n',
    '2\r\nok\r\n0\r\n\r\n',
    false,
  ],
  ['GET', 0, true, [], 'Connection: close\r\n', 'ok', false],
  ['HEAD', 1, true, [], '', '', true],
  ['HEAD', 0, true, [], 'Connection: keep-alive\r\n', '', true],
])(
  '%s over HTTP/1.%d, keep-alive %s, with %j, ends %j %j',
  (method, minor, mayKeepAlive, fields, lines, body, keepAlive) => {
    const { reply, sent, answered } = openReply({ method, minor, mayKeepAlive })
    reply.begin(200, own(...fields))
    expect(sent()).toBe('')
    reply.finish(bytes('ok'))
    const given = fields.length === 0 ? '' : 'Content-Length: 2\r\n'
    expect(sent()).toBe(`HTTP/1.1 200 OK\r\nDate: D\r\n${given}${lines}\r\n${body}`)
    expect(answered).toEqual([keepAlive])
  },
)

test.each([204, 304])('status %d has no body', (status) => {
  const { reply, sent, answered } = openReply()
  reply.begin(status, own())
  expect(reply.write(bytes('no'))).toBe(true)
  reply.finish()
  expect(sent()).toMatch(/^HTTP\/1\.1 \d+ [A-Za-z ]+\r\nDate: D\r\n\r\n$/)
  expect(answered).toEqual([true])
})

test('sends parts in chunks, and trailers after them', () => {
  const { reply, sent } = openReply()
  reply.begin(599, own())
  expect(reply.write(bytes(''))).toBe(true)
  expect(sent()).toBe('')
  reply.write(bytes('one'))
  expect(sent()).toBe('HTTP/1.1 599 \r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
  reply.write(bytes('x'.repeat(16)))
  reply.finish(bytes(''), new HeaderList(['X-T', '1', 'Y', '2']))
  expect(sent()).toBe(`10\r\n${'x'.repeat(16)}\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n`)
})

test('sends parts of a known length as they are', () => {
  const { reply, sent } = openReply()
  reply.begin(200, own('Content-Length', '6'))
  reply.write(bytes('one'))
  reply.finish(bytes('two'))
  expect(sent()).toBe('HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 6\r\n\r\nonetwo')
})

test('flush sends the head once', () => {
  const { reply, sent } = openReply()
  reply.begin(200, own('Content-Length', '2'))
  reply.flush()
  const head = 'HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 2\r\n\r\n'
  expect(sent()).toBe(head)
  reply.flush()
  reply.finish(bytes('ok'))
  expect(sent()).toBe('ok')
})

test('reports a slow client, and when it is writable again', async () => {
  const { reply, socket } = openReply({ highWaterMark: 8 })
  reply.begin(200, own('Content-Length', '1000'))
  expect(reply.write(bytes('x'.repeat(500)))).toBe(false)
  expect(reply.write(bytes('y'.repeat(400)))).toBe(false)
  expect(reply.pendingBytes).toBe(socket.writableLength)
  expect(reply.pendingBytes).toBeGreaterThan(0)
  let isWritable = false
  reply.onWritable(() => (isWritable = true))
  const drained = once(socket, 'drain')
  socket.resume()
  await drained
  expect(isWritable).toBe(true)
})

test('aborting breaks the connection', () => {
  const { reply, socket } = openReply()
  reply.abort()
  expect(socket.destroyed).toBe(true)
})

test('switches protocols', () => {
  const { reply, sent, switched } = openReply()
  const target = new PassThrough()
  reply.upgrade(new HeaderList(['X-A', 'b']), target)
  expect(sent()).toBe(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n',
  )
  expect(switched).toEqual([target])
})

test('adds the date unless the answer has one', () => {
  const { reply, sent } = openReply()
  reply.begin(204, new HeaderList())
  reply.finish()
  expect(sent()).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/)
  expect(httpDate(1_700_000_000_999)).toBe('Tue, 14 Nov 2023 22:13:20 GMT')
  expect(httpDate(1_700_000_000_000)).toBe('Tue, 14 Nov 2023 22:13:20 GMT')
  expect(httpDate(1_700_000_001_000)).toBe('Tue, 14 Nov 2023 22:13:21 GMT')
  expect(httpDate(1_699_999_999_999)).toBe('Tue, 14 Nov 2023 22:13:19 GMT')
})
