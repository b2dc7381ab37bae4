import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openLookup } from '../../src/proxy/balance/look-up-name.ts'
import { createFakeTime } from '../harness/fake-time.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { countAnswers, poolSnapshot, startTarget } from '../harness/pool-fixtures.ts'
import { startNameServer } from '../harness/start-name-server.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

test('resolves a name to several targets, and keeps them when the name disappears', async () => {
  const time = createFakeTime()
  const zone: Record<string, { a: string[]; ttl: number }> = {
    'service.test': { a: ['127.0.0.1', '127.0.0.2'], ttl: 10 },
  }
  const { servers, queries } = await startNameServer(zone)
  const seen = new Set<string>()
  const server = net.createServer((socket) => {
    seen.add(socket.localAddress ?? '')
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as net.AddressInfo
  const gateway = await openGateway(poolSnapshot([{ target: `service.test:${port}`, weight: 1 }]), {
    clock: time.clock,
    pools: { lookUp: openLookup({ servers }) },
  })
  expect((await countAnswers(gateway, 4))('ok')).toBe(4)
  expect([...seen].sort()).toEqual(['127.0.0.1', '127.0.0.2'])
  expect(gateway.events.map(({ target }) => target)).toEqual(
    Array.from({ length: 4 }, () => `service.test:${port}`),
  )
  delete zone['service.test']
  const before = queries.length
  time.advance(10_001)
  expect((await gateway.ask('/')).status).toBe(200)
  await until('it was resolved again', () => queries.length > before)
  expect((await countAnswers(gateway, 4))('ok')).toBe(4)
})

test('uses port and weight of SRV records, and their name as Host where configured', async () => {
  const [a, b] = [await startUpstream(), await startUpstream()]
  const srv = [
    { priority: 1, weight: 30, port: a.port, target: 'a.test' },
    { priority: 1, weight: 10, port: b.port, target: 'b.test' },
  ]
  const { servers } = await startNameServer({
    'service.test': { srv },
    'a.test': { a: ['127.0.0.1'] },
    'b.test': { a: ['127.0.0.1'] },
  })
  const hostsOf = async (upstream: object): Promise<unknown[]> => {
    const words = poolSnapshot([{ target: 'service.test:1', weight: 1 }], upstream)
    const gateway = await openGateway(words, { pools: { lookUp: openLookup({ servers }) } })
    const hosts: unknown[] = []
    for (let request = 0; request < 4; request += 1)
      hosts.push(((await (await gateway.ask('/')).json()) as Echo).headers['host'])
    return hosts.map(String).toSorted((one, other) => one.localeCompare(other))
  }
  const repeat = (host: string, port: number, times: number): string[] =>
    Array.from({ length: times }, () => `${host}:${port}`)
  expect(await hostsOf({ use_srv_name: true })).toEqual([
    ...repeat('a.test', a.port, 3),
    ...repeat('b.test', b.port, 1),
  ])
  expect(await hostsOf({})).toEqual(
    [...repeat('service.test', a.port, 3), ...repeat('service.test', b.port, 1)].sort(),
  )
  expect(await hostsOf({ host_header: 'api.test' })).toEqual(
    Array.from({ length: 4 }, () => 'api.test'),
  )
})

test('forwards to an IPv6 address', async () => {
  const server = http.createServer((request, response) => void response.end(request.headers.host))
  server.listen(0, '::1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const target = `[::1]:${(server.address() as net.AddressInfo).port}`
  const gateway = await openGateway(poolSnapshot([{ target, weight: 1 }]))
  expect(await (await gateway.ask('/')).text()).toBe(target)
  expect(gateway.events[0]?.target).toBe(target)
})

test('skips a target whose name does not resolve, and reports DNS_ERROR', async () => {
  const good = await startTarget('good')
  const { servers } = await startNameServer({})
  const gateway = await openGateway(
    poolSnapshot([{ target: 'lost.invalid:80', weight: 1000 }, good.at(1)]),
    { pools: { lookUp: openLookup({ servers }) } },
  )
  expect((await countAnswers(gateway, 3))('good')).toBe(3)
  expect(gateway.pools.health()[0]?.targets.map(({ health }) => health)).toEqual([
    'DNS_ERROR',
    'HEALTHCHECKS_OFF',
  ])
})

test('does not wait for an unresolved name when another target is available', async () => {
  const good = await startTarget('good')
  const { servers, queries } = await startNameServer({
    'silent.test': { silent: ['a', 'aaaa', 'srv'] },
  })
  const gateway = await openGateway(
    poolSnapshot([{ target: 'silent.test:80', weight: 1000 }, good.at(1)]),
    { pools: { lookUp: openLookup({ servers }) } },
  )
  expect((await countAnswers(gateway, 3))('good')).toBe(3)
  await until('it was resolved', () => queries.length > 0)
})

test('sends and verifies the configured name over TLS, not the address', async () => {
  const authority = await makeAuthority('authority')
  const authorityId = '00000000-0000-4000-8000-00000000000c'
  const hosts: unknown[] = []
  const server = https.createServer(await authority.issue({ names: ['secret.test'] }))
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    hosts.push(request.headers.host)
    response.end('secret')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  const service = (host: string) => ({
    ...poolSnapshot(
      [{ target: `${host}:${port}`, weight: 1 }],
      {},
      {
        protocol: 'https',
        tls_verify: true,
        ca_certificates: [authorityId],
      },
    ),
    authorities: { [authorityId]: authority.cert },
  })
  const lookUp = async () => ({ addresses: [{ host: '127.0.0.1', alternatives: [] }], ttl: 60 })
  const gateway = await openGateway(service('secret.test'), { pools: { lookUp } })
  expect(await (await gateway.ask('/')).text()).toBe('secret')
  expect(hosts).toEqual([`secret.test:${port}`])
  gateway.reconfigure(service('other.test'))
  expect((await gateway.ask('/')).status).toBe(502)
})
