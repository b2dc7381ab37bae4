import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { acceptClient, get } from '../../../test/harness/accept-client.ts'
import { until } from '../../../test/harness/until.ts'
import { HeaderList } from '../header-list.ts'

const big = Buffer.alloc(8_000_000)

/** A connected pair of sockets. */
async function openPair(): Promise<readonly [Duplex, Socket]> {
  const server = net.createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const [far] = (await once(server, 'connection')) as [Socket]
  onTestFinished(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far.on('error', () => undefined)]
}

async function openTunnel(early = '') {
  const opened = await acceptClient({ limits: { writeMilliseconds: 100, idleMilliseconds: 100 } })
  opened.send(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n') + early)
  const one = await opened.requests(1)
  const [near, far] = await openPair()
  one.reply.upgrade?.(new HeaderList(), near)
  let text = ''
  far.on('data', (bytes) => (text += String(bytes)))
  return { ...opened, opened, one, near, far, text: () => text }
}

test('forwards bytes both ways after a protocol switch, starting with early ones', async () => {
  const { far, text, send, received, one } = await openTunnel('early ')
  expect(one.head.upgrade).toBe('websocket')
  far.write('from the service')
  await received('from the service')
  send('late')
  await until('all bytes came through', () => text() === 'early late')
})

test('a tunnel has no timeouts', async () => {
  const { far, client, opened, pass } = await openTunnel()
  pass(10_000_000)
  client.pause()
  far.write(big)
  await until('the client is slow', () => opened.socket.writableNeedDrain)
  pass(10_000_000)
  expect(opened.socket.destroyed).toBe(false)
})

test('a tunnel pauses the client while the service is slow', async () => {
  const { far, client, socket, text } = await openTunnel()
  far.pause()
  client.write(big)
  await until('it is paused', () => socket.isPaused())
  far.resume()
  await until('all came through', () => text().length === big.length)
  expect(socket.isPaused()).toBe(false)
})

test.each(['client', 'far'] as const)('a tunnel ends when the %s closes', async (side) => {
  const tunnel = await openTunnel()
  const other = side === 'client' ? tunnel.far : tunnel.client
  const closed = once(other, 'close')
  other.on('end', () => other.end())
  tunnel[side].destroy()
  await Promise.all([closed, tunnel.closed(), until('ended', () => tunnel.near.destroyed)])
  expect([tunnel.one.gone, tunnel.faults]).toEqual([0, []])
})

test('a client that half-closes a tunnel half-closes it to the service', async () => {
  const tunnel = await openTunnel()
  const ended = once(tunnel.far, 'end')
  tunnel.send('bye')
  tunnel.client.end()
  await ended
  expect(tunnel.text()).toBe('bye')
})
