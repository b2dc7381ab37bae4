import { expect, test } from 'vitest'
import {
  acceptClient,
  answer,
  get,
  ok,
  post,
  readBody,
  settle,
} from '../../../test/harness/accept-client.ts'
import { until } from '../../../test/harness/until.ts'

test('reads a body and what follows it', async () => {
  const opened = await acceptClient()
  opened.send(`${post('Content-Length: 5')}he`)
  const first = await opened.requests(1)
  const reading = readBody(first.body)
  expect(first.body.length).toBe(5)
  opened.send(`llo${get('/2')}`)
  expect(await reading).toBe('hello')
  expect(opened.arrived).toHaveLength(1)
  answer(first)
  answer(await opened.requests(2))
  await opened.received(ok() + ok())
  opened.send(`${post('Transfer-Encoding: chunked')}2\r\nhi\r\n0\r\n\r\n${get('/4')}`)
  const third = await opened.requests(3)
  expect([third.body.length, await readBody(third.body)]).toEqual([undefined, 'hi'])
  answer(third)
  expect((await opened.requests(4)).head.path).toBe('/4')
})

test('a malformed chunk fails the body', async () => {
  const opened = await acceptClient()
  opened.send(`${post('Transfer-Encoding: chunked')}x\r\n`)
  const one = await opened.requests(1)
  await expect(readBody(one.body)).rejects.toMatchObject({ status: 400, code: 'request.malformed' })
  opened.send('1\r\na\r\n')
  await settle()
  expect([opened.arrived.length, opened.faults]).toEqual([1, []])
  answer(one)
  await opened.received(ok('Connection: close\r\n'))
})

test('closes after an answer that came before the end of the body', async () => {
  const opened = await acceptClient()
  opened.send(`${post('Content-Length: 5')}he`)
  answer(await opened.requests(1))
  await opened.received('ok')
  expect(opened.seen.text).toBe(ok('Connection: close\r\n'))
})

test('a body over its limit fails', async () => {
  const opened = await acceptClient({ limits: { bodyBytes: 4 } })
  opened.send(`${post('Content-Length: 5')}hello`)
  await expect(readBody((await opened.requests(1)).body)).rejects.toMatchObject({ status: 413 })
})

const hundred = 'HTTP/1.1 100 Continue\r\n\r\n'

test.each([
  ['HTTP/1.1', 'Expect: 100-Continue', '', hundred],
  ['HTTP/1.1', 'Expect: 100-Continue', 'h', ''],
  ['HTTP/1.0', 'Expect: 100-continue', '', ''],
  ['HTTP/1.1', 'Expect: else', '', ''],
  ['HTTP/1.1', 'X: y', '', ''],
])(
  '%s with %s and %j of the body is sent %j when it is expected',
  async (version, field, early, sent) => {
    const opened = await acceptClient()
    opened.send(`POST / ${version}\r\nHost: a\r\n${field}\r\nContent-Length: 5\r\n\r\n${early}`)
    const one = await opened.requests(1)
    await settle()
    expect(opened.seen.text).toBe('')
    const reading = readBody(one.body)
    if (sent !== '') await opened.received(sent)
    opened.send('hello'.slice(early.length))
    expect(await reading).toBe('hello')
    answer(one)
    await until('it is answered', () => opened.seen.text.endsWith('ok'))
    expect(opened.seen.text.startsWith(`${sent}HTTP/1.1 200`)).toBe(true)
  },
)

test('a body that stalls fails with 408', async () => {
  const opened = await acceptClient({ limits: { bodyMilliseconds: 100 } })
  opened.send(`${post('Content-Length: 5')}he`)
  const one = await opened.requests(1)
  const failure = readBody(one.body).catch((error: unknown) => error)
  opened.pass(60)
  const before = opened.socket.bytesRead
  opened.send('l')
  await until('it is read', () => opened.socket.bytesRead > before)
  opened.pass(100)
  expect(one.body.replayable).toBe(true)
  opened.pass(1)
  expect(one.body.replayable).toBe(false)
  expect(await failure).toMatchObject({ status: 408 })
  opened.send('lo')
  await settle()
  answer(one)
  await opened.received(ok('Connection: close\r\n'))
})

test('a body that waits for a slow service does not time out', async () => {
  const opened = await acceptClient({ limits: { bodyMilliseconds: 100 } })
  opened.send(`${post('Content-Length: 200000')}${'x'.repeat(100_000)}`)
  const one = await opened.requests(1)
  await until('it is paused', () => opened.socket.isPaused())
  opened.pass(1_000)
  expect(one.body.received).toBeLessThan(200_000)
  const reading = readBody(one.body)
  opened.send('y'.repeat(100_000))
  expect((await reading).length).toBe(200_000)
  answer(one)
  await opened.received(ok())
})

test('an exchange without a body to wait for does not time out', async () => {
  const opened = await acceptClient({ limits: { bodyMilliseconds: 100, idleMilliseconds: 100 } })
  opened.send(get('/'))
  const one = await opened.requests(1)
  opened.pass(1_000)
  answer(one)
  await opened.received('ok')
  expect(opened.seen.text).toBe(ok())
})
