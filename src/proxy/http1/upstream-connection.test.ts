import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import {
  answering,
  failure,
  okAnswer,
  openBody,
  playService,
  readAnswer,
} from '../../../test/harness/play-service.ts'
import { until } from '../../../test/harness/until.ts'
import { Problem } from '../../lib/problem.ts'

test.each([
  ['GET', ''],
  ['DELETE', ''],
  ['POST', 'Content-Length: 0\r\n'],
  ['PUT', 'Content-Length: 0\r\n'],
  ['PATCH', 'Content-Length: 0\r\n'],
])('sends %s without a body with the framing %j', async (method, framing) => {
  const { send, connections } = await playService(answering(okAnswer))
  const answer = await send({ method })
  expect([answer.status, answer.headers.flat, await readAnswer(answer)]).toEqual([
    200,
    ['Content-Length', '2'],
    'ok',
  ])
  expect(connections[0]?.text).toBe(
    `${method} /p?q HTTP/1.1\r\nHost: h\r\nX-A: b\r\n${framing}\r\n`,
  )
})

test.each([
  [5, 'Content-Length: 5\r\n\r\nhello'],
  [undefined, 'Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
])('sends a body of length %s', async (length, sent) => {
  const { send, connected } = await playService()
  const body = openBody(length)
  const answered = send({ method: 'POST', body })
  const connection = await connected()
  body.feed(Buffer.from('he'))
  await until('it arrived', () => connection.text.includes('he'))
  body.feed(Buffer.from('llo'))
  body.end()
  await until('all arrived', () => connection.text.endsWith(sent))
  answering(okAnswer)(connection)
  expect(await readAnswer(await answered)).toBe('ok')
  const again = send()
  await until('the connection is reused', () => connection.text.includes('GET'))
  answering(okAnswer)(connection)
  expect((await again).status).toBe(200)
})

test('pauses the client while the service is slow', async () => {
  const { send, connected } = await playService()
  const body = openBody(8_000_000)
  const answered = send({ method: 'POST', body })
  const connection = await connected()
  connection.socket.pause()
  let isPaused = false
  for (let part = 0; part < 80; part += 1) {
    isPaused = !body.feed(Buffer.alloc(100_000, 'x'))
    await new Promise((resolve) => setImmediate(resolve))
  }
  body.end()
  expect(isPaused).toBe(true)
  connection.socket.resume()
  await until('all arrived', () => connection.text.length > 8_000_000)
  answering(okAnswer)(connection)
  expect((await answered).status).toBe(200)
})

test.each([
  ['a length', [okAnswer], 'ok', true],
  ['no bytes', ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'], '', true],
  ['many pieces', okAnswer.split(''), 'ok', true],
  [
    'chunks and trailers',
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX: y\r\n\r\n'],
    'ok X,y',
    true,
  ],
  ['interim responses before it', [`HTTP/1.1 103 Hints\r\n\r\n${okAnswer}`], 'ok', true],
  ['interim responses apart', ['HTTP/1.1 100 Continue\r\n\r\n', okAnswer], 'ok', true],
  ['Connection: close', [okAnswer.replace('OK\r\n', 'OK\r\nConnection: close\r\n')], 'ok', false],
  ['bytes after its end', [`${okAnswer}x`], 'ok', false],
  ['bytes after no bytes', ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nx'], '', false],
])('reads an answer with %s', async (_, pieces, text, isReused) => {
  const { send, connections, connected } = await playService()
  const answered = send()
  const connection = await connected()
  for (const piece of pieces) {
    connection.socket.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await readAnswer(await answered)).toBe(text)
  if (!isReused) await until('it is closed', () => connection.isClosed)
  const again = send()
  const next = await until('it arrived', () =>
    connections.find((one) => one.text.split('GET').length === (isReused ? 3 : 2) && !one.isClosed),
  )
  answering(okAnswer)(next)
  expect((await again).status).toBe(200)
  expect(connections).toHaveLength(isReused ? 1 : 2)
})

test('an answer without a length ends with the connection', async () => {
  const { send, connected } = await playService()
  const answered = send()
  const { socket } = await connected()
  socket.end('HTTP/1.1 200 OK\r\n\r\nall')
  expect(await readAnswer(await answered)).toBe('all')
})

test.each([
  ['nonsense\r\n\r\n', 'the head of the answer is malformed'],
  ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'the head of the answer is malformed'],
  ['x'.repeat(65_537), 'the head of the answer is too long'],
  ['HTTP/1.1 103 Hints\r\n\r\n'.repeat(33), 'there is no end of interim answers'],
])('fails for the answer %j', async (response, message) => {
  const { send, connections } = await playService(answering(response))
  await expect(send()).rejects.toEqual(failure('sent', 502, message))
  await until('it is closed', () => connections[0]?.isClosed)
})

test('accepts 32 interim responses, and a head of 64 KiB', async () => {
  const many = await playService(answering(`${'HTTP/1.1 103 Hints\r\n\r\n'.repeat(32)}${okAnswer}`))
  expect((await many.send()).status).toBe(200)
  const head = `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ${'x'.repeat(65_490)}`.slice(0, 65_536)
  const long = await playService()
  const answered = long.send()
  const { socket } = await long.connected()
  socket.write(head)
  await new Promise((resolve) => setTimeout(resolve, 10))
  socket.write('\r\n\r\n')
  expect((await answered).status).toBe(200)
})

test.each([
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'the connection closed'],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab', 'the connection closed'],
])('a body that breaks off after %j fails', async (response, message) => {
  const { send, connected } = await playService()
  const answered = send()
  const { socket } = await connected()
  socket.end(response)
  await expect(answered.then(readAnswer)).rejects.toMatchObject({ status: 502, cause: { message } })
})

test('a malformed body that comes with its head is no answer', async () => {
  const { send, connected } = await playService()
  const answered = send()
  const { socket } = await connected()
  socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx\r\n')
  await expect(answered).rejects.toEqual(failure('sent', 502, 'a chunk has no size'))
})

test('fails when the service closes before its answer, or resets', async () => {
  const { send, connected } = await playService()
  const ended = send()
  ;(await connected()).socket.end()
  await expect(ended).rejects.toEqual(failure('sent', 502, 'the connection closed'))
  const reset = send()
  ;(await connected(2)).socket.resetAndDestroy()
  await expect(reset).rejects.toEqual(failure('sent', 502))
})

test('fails to connect to a port that nobody listens on', async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  const { send } = await playService()
  const target = { host: '127.0.0.1', port, alternatives: [] }
  await expect(send({ target })).rejects.toEqual(failure('connect', 502))
})

test('closes an idle connection on which the service sends something', async () => {
  const { send, connections, connected } = await playService()
  const answered = send()
  const { socket } = await connected()
  socket.write(okAnswer)
  await answered.then(readAnswer)
  socket.write('unasked')
  await until('it is closed', () => connections[0]?.isClosed)
  const again = send()
  answering(okAnswer)(await connected(2))
  expect((await again).status).toBe(200)
})

test('a connection that the service closes while it is idle is not used again', async () => {
  const { send, connections, connected } = await playService()
  const answered = send()
  const { socket } = await connected()
  socket.write(okAnswer)
  await answered.then(readAnswer)
  socket.end()
  await until('it is closed', () => connections[0]?.isClosed)
  await new Promise((resolve) => setTimeout(resolve, 10))
  const again = send()
  answering(okAnswer)(await connected(2))
  expect((await again).status).toBe(200)
})

test('an answer that comes before the end of the request ends the connection after it', async () => {
  const { send, connected } = await playService()
  const body = openBody(5)
  body.feed(Buffer.from('he'))
  const answered = send({ method: 'POST', body })
  const connection = await connected()
  connection.socket.write(okAnswer)
  expect(await readAnswer(await answered)).toBe('ok')
  await until('it is closed', () => connection.isClosed)
  body.feed(Buffer.from('llo'))
  expect(connection.text.endsWith('he')).toBe(true)
})

test('a body that breaks off ends the attempt with its problem', async () => {
  const { send, connected } = await playService()
  const body = openBody(5)
  const answered = send({ method: 'POST', body })
  const connection = await connected()
  body.fail(new Problem('request.too_large', 413, 'no'))
  await expect(answered).rejects.toEqual(failure('sent', 413))
  await until('it is closed', () => connection.isClosed)
})

test('a client that leaves ends the attempt', async () => {
  const { send, connected, abort } = await playService()
  const answered = send()
  const connection = await connected()
  abort()
  await expect(answered).rejects.toEqual(failure('sent', 499))
  await until('it is closed', () => connection.isClosed)
})

test('a body that another attempt reads goes on there only', async () => {
  const { send, connected } = await playService()
  const body = openBody(4)
  body.feed(Buffer.from('ab'))
  const first = send({ method: 'PUT', body })
  ;(await connected()).socket.destroy()
  await expect(first).rejects.toEqual(failure('sent', 502))
  const second = send({ method: 'PUT', body })
  const connection = await connected(2)
  body.feed(Buffer.from('cd'))
  body.end()
  await until('all arrived', () => connection.text.endsWith('\r\n\r\nabcd'))
  answering(okAnswer)(connection)
  expect((await second).status).toBe(200)
})
