import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../test/harness/until.ts'
import type { Reply } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { defaultFrontLimits, type FrontLimits } from '../limits.ts'
import { openFront } from './open-front.ts'

/** A front whose requests are answered by `answer`. */
async function startFront(
  answer: (reply: Reply) => void,
  limits: Partial<FrontLimits> = {},
  first?: string,
) {
  const front = openFront(
    {
      onRequest(_head, _body, reply) {
        answer(reply)
        return () => undefined
      },
      onMalformed: (_problem, reply) => reply.abort(),
      onFault: () => undefined,
      onClientError: () => undefined,
    },
    { ...defaultFrontLimits, ...limits },
  )
  const server = net.createServer((socket) =>
    front.accept(socket, first === undefined ? undefined : Buffer.from(first)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const connect = (): net.Socket => {
    const { port } = server.address() as AddressInfo
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    return socket.on('error', () => undefined)
  }
  return { front, connect }
}

function sendEmpty(reply: Reply): void {
  reply.begin(200, new HeaderList(['Content-Length', '0']))
  reply.finish()
}

test('closes a lingering connection whose client never closes its side', async () => {
  const { front, connect } = await startFront(sendEmpty)
  const socket = connect().resume()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await once(socket, 'end')
  expect(front.connections).toBe(1)
  await until('the connection is closed', () => front.connections === 0)
})

test('draining closes an idle connection without waiting for the idle timeout', async () => {
  const { front, connect } = await startFront(sendEmpty)
  const socket = connect()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  await front.drain(600_000)
  expect(front.connections).toBe(0)
})

test('stops reading pipelined bytes during an exchange, and reads on after it', async () => {
  const replies: Reply[] = []
  const { connect } = await startFront((reply) => replies.push(reply))
  const socket = connect()
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  socket.write(request)
  await until('the exchange began', () => replies.length === 1)
  const count = 3_000_000
  let isFlushed = false
  socket.write(request.repeat(count), () => (isFlushed = true))
  const accepted = (): number => socket.bytesWritten - socket.writableLength
  let [last, still] = [-1, 0]
  await until('nothing more is read', () => {
    still = last === accepted() ? still + 1 : 0
    last = accepted()
    return still > 20
  })
  // More than 80 MB; the socket buffers of the kernel hold a few.
  expect(isFlushed).toBe(false)
  sendEmpty(replies[0] as Reply)
  await until('the next request is read', () => replies.length === 2)
})

test('sweeps its connections, and counts them', async () => {
  const { front, connect } = await startFront(sendEmpty, { headMilliseconds: 20 })
  const socket = connect().resume()
  await until('it is accepted', () => front.connections === 1)
  socket.write('G')
  await until('it is gone', () => front.connections === 0)
  expect(socket.bytesRead).toBe(0)
})

test('accepts the bytes that were already read', async () => {
  const { front, connect } = await startFront(sendEmpty, {}, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [bytes] = (await once(connect(), 'data')) as [Buffer]
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 /)
  expect(front.connections).toBe(1)
})

test('draining waits for an exchange, and destroys it after its time', async () => {
  const replies: Reply[] = []
  const { front, connect } = await startFront((reply) => replies.push(reply))
  const [finished, stuck] = [connect(), connect()]
  for (const socket of [finished, stuck]) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('both exchanges began', () => replies.length === 2)
  const draining = front.drain(150)
  let text = ''
  finished.on('data', (bytes) => (text += String(bytes)))
  stuck.on('data', (bytes) => (text += String(bytes)))
  sendEmpty(replies[0] as Reply)
  await Promise.all([draining, until('it is answered', () => text.includes('Connection: close'))])
  await until('all are closed', () => front.connections === 0)
  expect(text.match(/HTTP/g)).toHaveLength(1)
})
