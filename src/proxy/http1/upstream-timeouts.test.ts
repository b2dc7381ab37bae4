import { expect, test } from 'vitest'
import {
  answering,
  failure,
  okAnswer,
  openBody,
  playService,
  readAnswer,
  type ServiceConnection,
} from '../../../test/harness/play-service.ts'
import { until } from '../../../test/harness/until.ts'

test('times out with 504 when the service does not answer', async () => {
  const { send, connected, pass } = await playService()
  const answered = send()
  const connection = await connected()
  pass(300)
  await new Promise((resolve) => setImmediate(resolve))
  expect(connection.isClosed).toBe(false)
  pass(1)
  await expect(answered).rejects.toEqual(failure('sent', 504, 'nothing moved for 300 ms'))
  await until('it is closed', () => connection.isClosed)
})

test('times out with 504 when the connection is not established', async () => {
  const { send, pass } = await playService()
  const answered = send()
  pass(100)
  pass(1)
  await expect(answered).rejects.toEqual(failure('connect', 504, 'nothing moved for 100 ms'))
})

test('the write timeout holds until the body is sent, then the read timeout', async () => {
  const { send, connected, pass, received } = await playService()
  const body = openBody(4)
  const answered = send({ method: 'POST', body })
  const connection = await connected()
  pass(150)
  body.feed(Buffer.from('ab'))
  await until('it arrived', () => connection.text.endsWith('ab'))
  pass(150)
  body.feed(Buffer.from('cd'))
  await until('it arrived', () => connection.text.endsWith('cd'))
  await received(() => body.end())
  pass(250)
  await received(() => connection.socket.write('HTTP/1.1 200 OK\r\n'))
  pass(250)
  connection.socket.write('Content-Length: 2\r\n\r\n')
  const answer = await answered
  pass(300)
  const reading = readAnswer(answer)
  pass(1)
  await expect(reading).rejects.toMatchObject({ status: 504 })
})

test('a stalled body of the client times out with 504', async () => {
  const { send, connected, pass } = await playService()
  const answered = send({ method: 'POST', body: openBody(4) })
  await connected()
  pass(201)
  await expect(answered).rejects.toEqual(failure('sent', 504, 'nothing moved for 200 ms'))
})

test('an answer that is paused does not time out, and goes on afterwards', async () => {
  const { send, connected, pass } = await playService()
  const answered = send()
  const connection = await connected()
  connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
  const answer = await answered
  answer.body?.pause()
  pass(10_000)
  answer.body?.resume()
  pass(300)
  connection.socket.write('cd')
  expect(await readAnswer(answer)).toBe('abcd')
})

test('a connection that was paused at the end of an answer is used again', async () => {
  const { send, connections, connected } = await playService()
  const answered = send()
  const connection = await connected()
  connection.socket.write(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n',
  )
  const answer = await answered
  expect(await readAnswer(answer)).toBe('ab')
  const again = send()
  await until('it arrived', () => connection.text.split('GET').length === 3)
  answering(okAnswer)(connection)
  expect(await readAnswer(await again)).toBe('ok')
  expect(connections).toHaveLength(1)
})

test('an idle connection has no timeout of an attempt', async () => {
  const { send, connections, connected, pass } = await playService()
  const answered = send()
  answering(okAnswer)(await connected())
  await answered.then(readAnswer)
  pass(50_000)
  const again = send()
  pass(300)
  answering(okAnswer)(connections[0] as ServiceConnection)
  expect(await readAnswer(await again)).toBe('ok')
  expect(connections).toHaveLength(1)
})
