import { expect, test } from 'vitest'
import { acceptClient, answer, get, ok, settle } from '../../../test/harness/accept-client.ts'
import { until } from '../../../test/harness/until.ts'

test.each([
  ['in one piece', [get('/1'), get('/2')]],
  ['together', [get('/1') + get('/2')]],
  ['byte by byte', (get('/1') + get('/2')).split('')],
  ['after empty lines', ['\r\n\r\n', `\r\n${get('/1')}`, `\r\n${get('/2')}`]],
  ['cut before the last LF', [get('/1').slice(0, -1), `\n${get('/2').slice(0, -3)}`, '\n\r\n']],
])('reads requests that come %s, one at a time', async (_, pieces) => {
  const opened = await acceptClient()
  for (const piece of pieces) {
    opened.send(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const first = await opened.requests(1)
  await settle()
  expect(opened.arrived).toHaveLength(1)
  answer(first)
  answer(await opened.requests(2))
  await opened.received(ok() + ok())
  expect(opened.arrived.map(({ head }) => head.path)).toEqual(['/1', '/2'])
  expect(first.head.clientAddress).toBe('127.0.0.1')
  expect([opened.isClosed, opened.faults]).toEqual([false, []])
})

const headOf = (length: number): string => {
  const base = get('/', 'X: \r\n')
  return base.replace('X: ', `X: ${'x'.repeat(length - base.length)}`)
}

test.each([
  [204, 204, /^HTTP\/1\.1 200 /, []],
  [204, 100, /^HTTP\/1\.1 200 /, []],
  [205, 205, /^HTTP\/1\.1 431 [^]*Connection: close\r\n/, [431]],
  [205, 100, /^HTTP\/1\.1 431 [^]*Connection: close\r\n/, [431]],
])('a head of %d bytes, %d of them at first', async (length, cut, expected, refusals) => {
  const opened = await acceptClient({
    limits: { headBytes: 200 },
    onRequest: (one) => answer(one),
  })
  const text = headOf(length)
  opened.send(text.slice(0, cut))
  await until('it is read', () => opened.socket.bytesRead === cut)
  opened.send(text.slice(cut))
  await until('it is answered', () => opened.seen.text !== '')
  expect(opened.seen.text).toMatch(expected)
  expect(opened.problems.map(({ status }) => status)).toEqual(refusals)
})

test('refuses a head over its limit before its end', async () => {
  const opened = await acceptClient({ limits: { headBytes: 200 } })
  opened.send(headOf(400).slice(0, 200))
  await until('it is read', () => opened.socket.bytesRead === 200)
  expect(opened.problems).toEqual([])
  opened.send('x')
  await opened.received('no')
  expect(opened.problems).toMatchObject([{ status: 431 }])
})

test.each([
  ['GET / HTTP/1.1\r\nHost: a\n\r\n\r\n', 'a header field is malformed'],
  ['GET / HTTP/1.1\n', 'a line ends without CR'],
  ['\n', 'a line ends without CR'],
  ['\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'there must be one Host'],
  ['GET / HTTP/1.1\r\n\r\n', 'there must be one Host'],
])('refuses %j, and reads nothing more', async (text, reason) => {
  const opened = await acceptClient()
  opened.send(text)
  await until('it is refused', () => opened.seen.isEnded)
  expect(opened.problems).toMatchObject([{ status: 400, message: `Bad request: ${reason}` }])
  expect(opened.seen.text).toMatch(/^HTTP\/1\.1 400 [^]*Connection: close\r\n\r\nno$/)
  opened.send(get('/'))
  await settle()
  expect([opened.arrived, opened.problems.length]).toEqual([[], 1])
})

test.each([
  ['HEAD / HTTP/1.1\r\n\r\n', ''],
  ['\r\nHEAD / HTTP/1.1\r\n\r\n', ''],
  [`HEAD /${'x'.repeat(500)}`, ''],
  [`HEADX /${'x'.repeat(500)}`, 'no'],
])('a refused %j gets the body %j', async (text, body) => {
  const opened = await acceptClient({ limits: { headBytes: 200 } })
  opened.send(text)
  await until('it is refused', () => opened.seen.isEnded)
  expect(opened.seen.text.split('\r\n\r\n')[1]).toBe(body)
})

test('an empty head does not begin the time for a head', async () => {
  const opened = await acceptClient({ limits: { headMilliseconds: 100, idleMilliseconds: 1_000 } })
  opened.send(get('/'))
  answer(await opened.requests(1))
  opened.send('\r\n')
  await until('it is read', () => opened.socket.bytesRead === get('/').length + 2)
  opened.pass(1_000)
  expect([opened.socket.destroyed, opened.problems]).toEqual([false, []])
  opened.pass(1)
  expect([opened.socket.destroyed, opened.problems]).toEqual([true, []])
})

test('the time for a head begins with its first byte', async () => {
  const opened = await acceptClient({ limits: { headMilliseconds: 100, idleMilliseconds: 1_000 } })
  opened.send(get('/'))
  answer(await opened.requests(1))
  await opened.received('ok')
  opened.pass(500)
  const begun = opened.socket.bytesRead
  opened.send('G')
  await until('it is read', () => opened.socket.bytesRead === begun + 1)
  opened.pass(60)
  opened.send('ET ')
  await until('it is read', () => opened.socket.bytesRead === begun + 4)
  opened.pass(40)
  expect(opened.problems).toEqual([])
  opened.pass(1)
  expect(opened.problems).toMatchObject([{ status: 408 }])
  await opened.received('no')
})

test('a connection without any request is closed after the idle timeout', async () => {
  const opened = await acceptClient()
  opened.connection.sweep(performance.now() + 74_000)
  expect(opened.socket.destroyed).toBe(false)
  opened.connection.sweep(performance.now() + 75_001)
  expect(opened.socket.destroyed).toBe(true)
})

test('an idle connection of a draining front is closed after a second', async () => {
  const opened = await acceptClient()
  opened.send(get('/1'))
  answer(await opened.requests(1))
  await opened.received(ok())
  opened.state.isDraining = true
  opened.pass(1_000)
  expect(opened.socket.destroyed).toBe(false)
  opened.send(get('/2'))
  answer(await opened.requests(2))
  await opened.received(ok('Connection: close\r\n'))
  await until('it is ended', () => opened.seen.isEnded)
  const kept = await acceptClient()
  kept.send(get('/1'))
  answer(await kept.requests(1))
  await kept.received(ok())
  kept.state.isDraining = true
  kept.pass(1_001)
  expect(kept.socket.destroyed).toBe(true)
})

test('a closing connection lingers for two seconds, and reads nothing more', async () => {
  const opened = await acceptClient()
  opened.send(get('/1', 'Connection: close\r\n') + get('/2'))
  answer(await opened.requests(1))
  await until('it is ended', () => opened.seen.isEnded)
  expect(opened.seen.text).toBe(ok('Connection: close\r\n'))
  opened.send(get('/3'))
  await settle()
  opened.pass(2_000)
  expect([opened.socket.destroyed, opened.arrived.length]).toEqual([false, 1])
  opened.pass(1)
  expect(opened.socket.destroyed).toBe(true)
})

test.each([
  ['in one piece', [get('/')]],
  ['in two pieces', [get('/').slice(0, 5), get('/').slice(5)]],
])('a fault in a handler of a request that comes %s closes its connection', async (_, pieces) => {
  const fault = new TypeError('planted')
  const opened = await acceptClient({
    onMalformed: () => {
      throw fault
    },
  })
  for (const piece of pieces) {
    opened.send(piece.replace('Host', 'Tsoh'))
    await settle()
  }
  await opened.closed()
  expect(opened.faults).toEqual([fault])
})

test('a fault in a sweep closes the connection', async () => {
  const fault = new TypeError('planted')
  const opened = await acceptClient({
    onMalformed: () => {
      throw fault
    },
  })
  opened.send('G')
  await until('it is read', () => opened.socket.bytesRead === 1)
  opened.pass(60_001)
  await opened.closed()
  expect(opened.faults).toEqual([fault])
})

test('can be destroyed', async () => {
  const opened = await acceptClient()
  opened.connection.destroy()
  await opened.closed()
  expect(opened.faults).toEqual([])
})
