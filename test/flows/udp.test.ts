import { once } from 'node:events'
import net from 'node:net'
import { expect, test } from 'vitest'
import { openEgress } from '../../src/lib/egress.ts'
import type { UdpListener } from '../../src/proxy/listener-options.ts'
import type { SnapshotInput } from '../harness/build-snapshot.ts'
import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import { openUdpClient, startUdpServer } from '../harness/open-udp-client.ts'
import { until } from '../harness/until.ts'

const fromHere = { protocols: ['udp'], sources: [{ ip: '127.0.0.0/8' }] }
const gatewayTo = (port: number, service: object = {}, more: object = {}): SnapshotInput => ({
  services: [{ name: 'raw', host: '127.0.0.1', port, protocol: 'udp', ...service }],
  routes: [{ name: 'raw', service: 'raw', ...fromHere }],
  ...more,
})
/** Sessions that end after so many milliseconds of silence. */
const brief = { read_timeout: 300 }

async function openUdpGateway(
  input: SnapshotInput,
  { listener = {}, ...options }: GatewayOptions & { readonly listener?: UdpListener } = {},
) {
  const gateway = await openGateway(input, options)
  const listen = async () => {
    const server = gateway.proxy.addUdpServer(listener)
    return (await server.listen({ address: '127.0.0.1', port: 0 })).port
  }
  return { ...gateway, listen, udpPort: await listen() }
}

test('forwards datagrams of a client both ways from one address, and records the session as one event when it is idle', async () => {
  const target = await startUdpServer((datagram) => [`${datagram} 1`, `${datagram} 2`])
  const gateway = await openUdpGateway(gatewayTo(target.port, brief))
  const client = await openUdpClient(gateway.udpPort)
  client.send('one')
  client.send('')
  client.send('three')
  await until('all answers', () => client.received.length === 6)
  expect(client.received).toEqual(['one 1', 'one 2', ' 1', ' 2', 'three 1', 'three 2'])
  expect(target.peers.size).toBe(1)
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({
    scheme: 'udp',
    outcome: 'allowed',
    status: 200,
    route_name: 'raw',
    service_name: 'raw',
    client_address: '127.0.0.1',
    request_bytes: 8,
    response_bytes: 28,
    target: `127.0.0.1:${target.port}`,
    tries: 1,
  })
  expect(gateway.proxy.exchanges).toBe(0)
  client.send('again')
  await until('another session', () => target.peers.size === 2)
})

test('each client address has a session and a socket of its own', async () => {
  const target = await startUdpServer((datagram) => [`for ${datagram}`])
  const gateway = await openUdpGateway(gatewayTo(target.port, brief))
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => openUdpClient(gateway.udpPort)),
  )
  const answers = await Promise.all(clients.map((client) => client.ask(`${client.port}`)))
  expect(answers).toEqual(clients.map(({ port }) => `for ${port}`))
  expect(clients.flatMap(({ received }) => [...new Set(received)])).toEqual(answers)
  await until('all are recorded', () => gateway.events.length === 20)
  expect(new Set(gateway.events.map(({ request_id: id }) => id)).size).toBe(20)
})

test('proxy_responses ends a session with its last answer, and reports a target that does not answer in time', async () => {
  const target = await startUdpServer((datagram) => (datagram === 'silent' ? [] : ['a', 'b']))
  const gateway = await openUdpGateway(gatewayTo(target.port, { ...brief, connect_timeout: 200 }), {
    listener: { responses: 2 },
  })
  const client = await openUdpClient(gateway.udpPort)
  client.send('x')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'allowed', response_bytes: 2 })
  client.send('silent')
  await until('it is recorded', () => gateway.events.length === 2)
  expect(gateway.events[1]).toMatchObject({
    outcome: 'failed',
    status: 504,
    reason: 'upstream.timeout',
  })
})

test('with proxy_responses=0 a session ends with its datagram, without waiting for an answer', async () => {
  const target = await startUdpServer(() => [])
  const gateway = await openUdpGateway(gatewayTo(target.port), { listener: { responses: 0 } })
  const client = await openUdpClient(gateway.udpPort)
  client.send('<14>log')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'allowed', status: 200, request_bytes: 7 })
  await until('it arrives', () => target.received[0] === '<14>log')
})

test('a datagram for a target whose port is closed goes to the next one, and counts as a failure of the first', async () => {
  const [dead, good] = [await startUdpServer(), await startUdpServer()]
  await dead.close()
  const passive = { unhealthy: { tcp_failures: 1, http_statuses: [] }, type: 'tcp' }
  const upstream = {
    name: 'pool',
    slots: 100,
    healthchecks: { passive },
    targets: [dead, good].map(({ port }) => ({ target: `127.0.0.1:${port}`, weight: 100 })),
  }
  const gateway = await openUdpGateway({
    services: [{ name: 'raw', host: 'pool', protocol: 'udp', ...brief }],
    routes: [{ name: 'raw', service: 'raw', ...fromHere }],
    upstreams: [upstream],
  })
  for (let round = 0; round < 4; round += 1) {
    const client = await openUdpClient(gateway.udpPort)
    client.send('hello')
    await until('an answer', () => client.received[0] === 'hello')
  }
  await until('all are recorded', () => gateway.events.length === 4)
  const tries = gateway.events.map((event) => event.tries)
  expect(tries.filter((count) => count === 2)).toHaveLength(1)
  expect(gateway.events.every(({ outcome }) => outcome === 'allowed')).toBe(true)
  const [health] = gateway.pools.health()
  expect(health?.targets.map(({ target }) => target)).toContain(`127.0.0.1:${dead.port}`)
})

test('a target that stops listening ends its session as failed, and the next datagram begins another', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port, { retries: 0 }))
  const client = await openUdpClient(gateway.udpPort)
  await client.ask('one')
  await target.close()
  await until('the session ends', () => {
    client.send('two')
    return gateway.events.length > 0
  })
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', status: 502 })
  const again = await startUdpServer(undefined, target.port)
  await until('the next session is answered', async () => (await client.ask('three')) === 'three')
  expect(again.received).toContain('three')
})

test('routes are found by the order of Kong, and datagrams without a route are not answered', async () => {
  const [near, any] = [await startUdpServer(() => ['near']), await startUdpServer(() => ['any'])]
  const client = await openUdpClient(0)
  const services = [near, any].map(({ port }, at) => ({
    name: `s${at}`,
    host: '127.0.0.1',
    port,
    protocol: 'udp',
  }))
  const gateway = await openUdpGateway({
    services,
    routes: [
      { service: 's1', ...fromHere },
      { service: 's0', protocols: ['udp'], sources: [{ ip: '127.0.0.1', port: client.port }] },
      { service: 's1', protocols: ['tcp'], sources: [{ ip: '127.0.0.2' }] },
    ],
  })
  const exact = await openUdpClient(gateway.udpPort)
  expect(await exact.ask('x')).toBe('any')
  gateway.reconfigure({
    services,
    routes: [
      { service: 's1', ...fromHere },
      { service: 's0', protocols: ['udp'], sources: [{ ip: '127.0.0.1', port: exact.port }] },
    ],
  })
  await until('the other target answers', async () => (await exact.ask('x')) === 'near')
  gateway.reconfigure({
    services,
    routes: [{ service: 's1', protocols: ['udp'], sources: [{ ip: '10.0.0.0/8' }] }],
  })
  const { length } = near.received
  exact.send('x')
  await until('the session ends', () => gateway.proxy.exchanges === 0)
  expect(near.received).toHaveLength(length)
})

test('a session survives a change that does not affect its route, and ends with one that does', async () => {
  const [first, second] = [
    await startUdpServer(() => ['first']),
    await startUdpServer(() => ['second']),
  ]
  const gateway = await openUdpGateway(gatewayTo(first.port))
  const client = await openUdpClient(gateway.udpPort)
  await client.ask('x')
  gateway.reconfigure(gatewayTo(first.port, {}, { consumers: [{ username: 'new' }] }))
  await client.ask('x')
  expect([gateway.events, first.peers.size]).toEqual([[], 1])
  gateway.reconfigure(gatewayTo(second.port))
  await until('the new target answers', async () => (await client.ask('x')) === 'second')
  await until('the first session is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'allowed', target: `127.0.0.1:${first.port}` })
  gateway.reconfigure({ services: [], routes: [] })
  const { length } = second.received
  client.send('late')
  await until('the session ends', () => gateway.events.length === 2)
  expect(second.received.slice(length)).toEqual([])
})

test('a stopping gateway lets a target answer, and then ends silent sessions', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port))
  const client = await openUdpClient(gateway.udpPort)
  await client.ask('x')
  const draining = gateway.proxy.drain(30_000)
  await target.sayTo('late')
  await until('the answer', () => client.received.at(-1) === 'late')
  await draining
  expect(gateway.events).toMatchObject([{ outcome: 'allowed', status: 200 }])
  expect(gateway.proxy.exchanges).toBe(0)
}, 60_000)

test('a gateway that has no time left to stop breaks sessions and records them', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port))
  const client = await openUdpClient(gateway.udpPort)
  await client.ask('x')
  await gateway.proxy.drain(0)
  expect(gateway.events).toMatchObject([{ outcome: 'failed', reason: 'gateway.stopped' }])
})

test('egress rules apply to UDP: a session to a denied address is refused and recorded', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port), {
    egress: openEgress({ allow: [], deny: [{ address: '127.0.0.1', bits: 32 }] }),
  })
  const client = await openUdpClient(gateway.udpPort)
  client.send('x')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', reason: 'upstream.egress' })
  expect(target.received).toEqual([])
})

test('a service with TLS is not reached over UDP without encryption', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port, { protocol: 'tls', retries: 0 }))
  const client = await openUdpClient(gateway.udpPort)
  client.send('secret')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', reason: 'stream.no_dtls' })
  expect(target.received).toEqual([])
})

test('a TCP connection does not match a route of UDP, nor a datagram one of TCP', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port))
  await once(net.connect(gateway.streamPort, '127.0.0.1').resume(), 'close')
  gateway.reconfigure({
    services: [{ name: 'raw', host: '127.0.0.1', port: target.port, protocol: 'udp' }],
    routes: [{ service: 'raw', protocols: ['tcp', 'tls'], sources: [{ ip: '127.0.0.0/8' }] }],
  })
  const client = await openUdpClient(gateway.udpPort)
  client.send('x')
  await once(
    net
      .connect(gateway.streamPort, '127.0.0.1')
      .on('error', () => undefined)
      .resume(),
    'close',
  )
  expect(target.received).toEqual([])
})

test('a UDP session of one workspace does not reach the target of another, although the client sends both from one address', async () => {
  const [ours, theirs] = [
    await startUdpServer(() => ['ours']),
    await startUdpServer(() => ['theirs']),
  ]
  const gateway = await openUdpGateway({})
  const second = await gateway.listen()
  gateway.reconfigure({
    services: [
      { name: 'ours', host: '127.0.0.1', port: ours.port, protocol: 'udp' },
      { name: 'theirs', host: '127.0.0.1', port: theirs.port, protocol: 'udp' },
    ],
    routes: [
      { service: 'ours', protocols: ['udp'], destinations: [{ port: gateway.udpPort }] },
      { service: 'theirs', protocols: ['udp'], destinations: [{ port: second }] },
    ],
  })
  const client = await openUdpClient(gateway.udpPort)
  const sendToBoth = (): void => {
    client.send('for ours')
    client.send('for theirs', second)
  }
  sendToBoth()
  await until('both answer', () => client.received.length === 2)
  sendToBoth()
  await until('both answer again', () => client.received.length === 4)
  expect(client.received.filter((answer) => answer === 'ours')).toHaveLength(2)
  expect([ours.received, theirs.received]).toEqual([
    ['for ours', 'for ours'],
    ['for theirs', 'for theirs'],
  ])
})

test('nobody but its target answers a session: datagrams that others send to its socket are dropped', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port))
  const client = await openUdpClient(gateway.udpPort)
  await client.ask('x')
  const { length } = client.received
  const [toTarget = 0] = target.peers
  const stranger = await openUdpClient(toTarget)
  for (let at = 0; at < 10; at += 1) stranger.send('forged')
  await target.sayTo('true')
  await until('the answer of the target', () => client.received.at(-1) === 'true')
  expect(client.received.slice(length)).not.toContain('forged')
})

test('a fault in finding the route of a datagram ends its session with one event, and releases its resources', async () => {
  const target = await startUdpServer()
  const gateway = await openUdpGateway(gatewayTo(target.port))
  const find = (): never => {
    throw new Error('planted')
  }
  const { streams } = gateway.program()
  gateway.proxy.swapProgram({ ...gateway.program(), streams: { ...streams, find } })
  const client = await openUdpClient(gateway.udpPort)
  client.send('x')
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', status: 500, reason: 'internal' })
  await until('it ends', () => gateway.proxy.exchanges === 0)
})

test('a session that ends while the name of its target is resolved is recorded, and does not count against the target', async () => {
  const target = await startUdpServer()
  const resolved = Promise.withResolvers<void>()
  const passive = { unhealthy: { tcp_failures: 1 }, type: 'tcp' }
  const gateway = await openUdpGateway(
    {
      services: [{ name: 'raw', host: 'pool', protocol: 'udp' }],
      routes: [{ name: 'raw', service: 'raw', ...fromHere }],
      upstreams: [
        {
          name: 'pool',
          healthchecks: { passive },
          targets: [{ target: `slow.test:${target.port}`, weight: 100 }],
        },
      ],
    },
    {
      admission: { udpSessions: 1 },
      pools: {
        async lookUp() {
          await resolved.promise
          return { addresses: [{ host: '127.0.0.1', alternatives: [] }], ttl: 60 }
        },
      },
    },
  )
  const [first, second] = [
    await openUdpClient(gateway.udpPort),
    await openUdpClient(gateway.udpPort),
  ]
  first.send('first')
  await until('it waits for a target', () => gateway.proxy.exchanges === 1)
  await until('the second session replaces the first', () => {
    second.send('second')
    return gateway.proxy.exchanges === 2
  })
  resolved.resolve()
  await until('the second is answered', () => second.received.includes('second'))
  await until('the first is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ outcome: 'failed', reason: 'stream.ended' })
  expect(target.received).not.toContain('first')
})

test('a flood from spoofed addresses makes no more sessions than the limit, and takes none from a client that was answered', async () => {
  const target = await startUdpServer((datagram) => (datagram === 'flood' ? [] : [datagram]))
  const gateway = await openUdpGateway(gatewayTo(target.port), { admission: { udpSessions: 8 } })
  const known = await openUdpClient(gateway.udpPort)
  await known.ask('one')
  await known.ask('two')
  let most = 0
  for (let at = 0; at < 200; at += 1) {
    const spoofed = await openUdpClient(gateway.udpPort, `127.0.1.${at + 1}`)
    spoofed.send('flood')
    most = Math.max(most, gateway.proxy.exchanges)
  }
  await until('the table is full', () => gateway.proxy.exchanges === 8)
  expect(most).toBeLessThanOrEqual(8)
  expect(await known.ask('three')).toBe('three')
  expect(target.peers.size).toBeLessThanOrEqual(8 + gateway.events.length)
  expect(gateway.events.filter(({ response_bytes: bytes }) => bytes > 0)).toEqual([])
  const late = await openUdpClient(gateway.udpPort)
  expect(await late.ask('late')).toBe('late')
})
