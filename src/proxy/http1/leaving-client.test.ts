import { expect, test } from 'vitest'
import {
  acceptClient,
  answer,
  get,
  ok,
  post,
  readBody,
} from '../../../test/harness/accept-client.ts'
import { until } from '../../../test/harness/until.ts'
import { HeaderList } from '../header-list.ts'

const big = Buffer.alloc(8_000_000)

test('a client that reads nothing of its answer is disconnected', async () => {
  const opened = await acceptClient({ limits: { writeMilliseconds: 100 } })
  opened.client.pause()
  opened.send(get('/'))
  const { reply } = await opened.requests(1)
  reply.begin(200, new HeaderList())
  expect(reply.write(big)).toBe(false)
  opened.pass(100)
  expect(opened.socket.destroyed).toBe(false)
  opened.pass(1)
  expect(opened.socket.destroyed).toBe(true)
})

test('a client that reads the rest of a finished answer slowly keeps its connection', async () => {
  const opened = await acceptClient({ limits: { writeMilliseconds: 100, idleMilliseconds: 1 } })
  const { client, socket } = opened
  client.pause()
  opened.send(get('/'))
  const { reply } = await opened.requests(1)
  reply.begin(200, new HeaderList())
  for (let part = 0; part < 20; part += 1) reply.write(big.subarray(0, 1_000_000))
  reply.finish()
  opened.pass(100)
  opened.pass(100)
  const unsent = socket.writableLength
  expect([socket.destroyed, unsent > 0]).toEqual([false, true])
  client.on('data', () => socket.writableLength < unsent && client.pause())
  client.resume()
  await until('a part is sent', () => socket.writableLength < unsent)
  expect(socket.writableLength).toBeGreaterThan(0)
  opened.pass(100)
  expect(socket.destroyed).toBe(false)
})

test('a client that stops reading the rest is disconnected', async () => {
  const opened = await acceptClient({ limits: { writeMilliseconds: 100 } })
  opened.client.pause()
  opened.send(get('/', 'Connection: close\r\n'))
  answer(await opened.requests(1), 'x'.repeat(8_000_000))
  opened.pass(1)
  opened.pass(100)
  expect(opened.socket.destroyed).toBe(false)
  opened.pass(1)
  expect(opened.socket.destroyed).toBe(true)
})

test('reports once that the client of an exchange disconnected, and fails its body', async () => {
  const opened = await acceptClient()
  opened.send(`${post('Content-Length: 5')}he`)
  const one = await opened.requests(1)
  const failure = readBody(one.body).catch((error: unknown) => error)
  opened.client.end()
  await opened.closed()
  expect(await failure).toMatchObject({ code: 'client.gone', status: 499 })
  expect([one.gone, opened.faults]).toEqual([1, []])
})

test('an exchange whose client disconnects ends at once, although a part of its answer is unsent', async () => {
  const opened = await acceptClient()
  opened.client.pause()
  opened.send(get('/'))
  const one = await opened.requests(1)
  one.reply.begin(200, new HeaderList())
  one.reply.write(big)
  opened.client.end()
  await opened.closed()
  expect(one.gone).toBe(1)
})

test('does not report a disconnect after the exchange was answered', async () => {
  const opened = await acceptClient({
    onRequest(one) {
      if (one.head.path === '/now') answer(one)
    },
  })
  opened.send(get('/later'))
  answer(await opened.requests(1))
  await opened.received(ok())
  opened.send(get('/now'))
  await opened.received(ok() + ok())
  opened.client.end()
  await opened.closed()
  expect(opened.arrived.map(({ gone }) => gone)).toEqual([0, 0])
})

test('closes an idle connection when its client does', async () => {
  const opened = await acceptClient()
  opened.client.end()
  await opened.closed()
  expect(opened.faults).toEqual([])
})

test('reports a reset by the client, and ends its exchange', async () => {
  const opened = await acceptClient()
  opened.send(get('/'))
  const one = await opened.requests(1)
  opened.client.resetAndDestroy()
  await opened.closed()
  expect(opened.clientErrors).toMatchObject([{ code: 'ECONNRESET' }])
  expect([one.gone, opened.faults]).toEqual([1, []])
})
