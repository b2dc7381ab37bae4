import { openEgress } from '../../lib/egress.ts'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Problem } from '../../lib/problem.ts'
import { HeaderList } from '../header-list.ts'
import type { Answer, UpstreamRequest } from '../walk/ask-upstream.ts'
import { buildServiceTls } from '../tls/target-tls.ts'
import { absentBody } from './request-body.ts'
import { switchProtocol } from './switch-protocol.ts'

/** Sends an upgrade request to a service that handles its connection. */
async function upgrade(serve: (socket: Socket) => void, timeouts: object = {}, more: object = {}) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  let abort: ((reason: Problem) => void) | undefined
  const attempt: UpstreamRequest = {
    secure: false,
    method: 'GET',
    path: '/p?q',
    host: 'h.example',
    upgrade: 'websocket',
    target: { host: '127.0.0.1', port, alternatives: [] },
    headers: new HeaderList(['X-A', 'b']),
    body: absentBody,
    timeouts: { connect: 60_000, write: 60_000, read: 60_000, ...timeouts },
    onStart: (stop) => (abort = stop),
    ...more,
  }
  const answered = switchProtocol(attempt, openEgress())
  answered.catch(() => undefined)
  return { answered, abort: () => abort?.(new Problem('client.closed', 499, 'left')) }
}

const serviceTls = buildServiceTls({
  verify: false,
  depth: undefined,
  authorities: undefined,
  client: undefined,
})

const switched =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

test('sends the upgrade, and returns the connection with early bytes', async () => {
  const heads: string[] = []
  const { answered } = await upgrade((socket) =>
    socket.once('data', (bytes) => {
      heads.push(String(bytes))
      socket.write(`${switched}first`)
    }),
  )
  const { status, headers, body, socket } = await answered
  expect(heads).toEqual([
    'GET /p?q HTTP/1.1\r\nHost: h.example\r\nX-A: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ])
  expect([status, headers.get('upgrade'), body]).toEqual([101, 'websocket', undefined])
  expect(String((await once(socket as Socket, 'data'))[0])).toBe('first')
  expect((socket as Socket).timeout).toBe(0)
  socket?.destroy()
})

/** Reads an answer to its end. */
const read = ({ body }: Answer): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    body?.read({
      part: (bytes) => (text += String(bytes)),
      end: () => resolve(text),
      fail: reject,
    })
  })

const refused = 'HTTP/1.1 426 Upgrade Required\r\nX-B: c\r\nContent-Length: 4\r\n\r\n'

test('forwards an answer that refuses the upgrade', async () => {
  const { answered } = await upgrade((socket) => void socket.write(`${refused}nope`))
  const answer = await answered
  expect([answer.status, answer.headers.get('x-b'), await read(answer)]).toEqual([426, 'c', 'nope'])
  expect(answer.socket).toBeUndefined()
})

test('fails when such an answer ends prematurely', async () => {
  const { answered } = await upgrade((socket) => void socket.end(`${refused}no`))
  await expect(read(await answered)).rejects.toMatchObject({ status: 502 })
})

test('pauses, resumes and drops such an answer', async () => {
  let service: Socket | undefined
  const { answered } = await upgrade((socket) => void (service = socket.resume()).write(refused))
  const { body } = await answered
  const parts: string[] = []
  body?.read({
    part: (bytes) => void parts.push(String(bytes)),
    end: () => undefined,
    fail: () => undefined,
  })
  body?.pause()
  service?.write('no')
  await sleep(20)
  expect(parts).toEqual([])
  body?.resume()
  await expect.poll(() => parts).toEqual(['no'])
  const closed = once(service as Socket, 'end')
  body?.drop()
  await closed
})

test('a fault of its reader fails the answer', async () => {
  const { answered } = await upgrade((socket) => void socket.write(`${refused}nope`))
  const { body } = await answered
  const failed = new Promise((resolve) =>
    body?.read({
      part: () => {
        throw new Error('planted')
      },
      end: () => undefined,
      fail: resolve,
    }),
  )
  expect(await failed).toMatchObject({ status: 502, cause: { message: 'planted' } })
})

test('fails with 504 when the service does not answer', async () => {
  const { answered } = await upgrade(() => undefined, { read: 30 })
  await expect(answered).rejects.toMatchObject({ stage: 'sent', problem: { status: 504 } })
})

test('fails with 504 when the connection is not established', async () => {
  const tls = { ...serviceTls, serverName: 'h', identity: '' }
  const { answered } = await upgrade(() => undefined, { connect: 30 }, { tls, secure: true })
  await expect(answered).rejects.toMatchObject({ stage: 'connect', problem: { status: 504 } })
})

test('fails with 504 when such an answer stalls, but not while it is paused', async () => {
  const { answered } = await upgrade((socket) => void socket.write(`${refused}no`), { read: 60 })
  const answer = await answered
  const reading = read(answer)
  answer.body?.pause()
  const early = await Promise.race([reading.catch(() => 'failed'), sleep(120, 'paused')])
  expect(early).toBe('paused')
  answer.body?.resume()
  await expect(reading).rejects.toMatchObject({ status: 504 })
})

test('fails with 502 when the service closes', async () => {
  const { answered } = await upgrade((socket) => void socket.resume().end())
  await expect(answered).rejects.toMatchObject({ stage: 'sent', problem: { status: 502 } })
})

test('fails to connect', async () => {
  const closed = net.createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  const target = { host: '127.0.0.1', port, alternatives: [] }
  const { answered } = await upgrade(() => undefined, {}, { target })
  await expect(answered).rejects.toMatchObject({ stage: 'connect', problem: { status: 502 } })
})

test('a client that leaves ends the attempt', async () => {
  const arrived = Promise.withResolvers<Socket>()
  const { answered, abort } = await upgrade((socket) => arrived.resolve(socket.resume()))
  const service = await arrived.promise
  abort()
  await expect(answered).rejects.toMatchObject({ problem: { status: 499 } })
  await once(service, 'end')
})
