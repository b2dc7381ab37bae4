import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openEgress } from '../../src/lib/egress.ts'
import { openClient, type Protocol } from '../harness/open-client.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

const denied = '127.0.0.3'
const egress = openEgress({ allow: [], deny: [{ address: denied, bits: 32 }] })

/** A server on every address of this machine, with the addresses of it that were connected to. */
async function startServer() {
  const reached: string[] = []
  const server = net.createServer((socket) => {
    reached.push(String(socket.localAddress))
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    })
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, reached }
}

test('a name that begins to resolve to a denied address is not connected to (DNS rebinding)', async () => {
  const { port, reached } = await startServer()
  let [now, address] = [1_000_000, '127.0.0.1']
  const gateway = await openGateway(
    {
      services: [{ name: 's', host: 'rebinding.test', port, retries: 1 }],
      routes: [{ name: 'r', service: 's', paths: ['/'] }],
    },
    {
      egress,
      clock: { now: () => now },
      pools: {
        lookUp: async () => ({ addresses: [{ host: address, alternatives: [] }], ttl: 1 }),
      },
    },
  )
  expect((await gateway.ask('/')).status).toBe(200)
  address = denied
  const answer = await until('the new address', async () => {
    now += 5_000
    const response = await gateway.ask('/')
    return response.status === 502 ? response : undefined
  })
  expect(await answer.text()).toContain('The address of the upstream server is not allowed')
  expect(gateway.events.at(-1)).toMatchObject({ outcome: 'failed', reason: 'upstream.egress' })
  expect(new Set(reached)).toEqual(new Set(['127.0.0.1']))
})

test.each([
  ['http1', 'http', ['http', 'https']],
  ['http1', 'https', ['http', 'https']],
  ['http2', 'grpc', ['grpc', 'grpcs']],
  ['websocket', 'http', ['http', 'https']],
  ['stream', 'tcp', ['tcp']],
  ['stream', 'tls', ['tcp']],
] as const)(
  'a request over %s to a %s service at a denied address opens no connection',
  async (...row) => {
    const [client, protocol, protocols] = row
    const { port, reached } = await startServer()
    const match = client === 'stream' ? { sources: [{ ip: '127.0.0.0/8' }] } : { paths: ['/'] }
    const gateway = await openGateway(
      {
        services: [{ name: 's', host: denied, port, protocol, retries: 1 }],
        routes: [{ name: 'r', service: 's', strip_path: false, protocols, ...match }],
      },
      { egress },
    )
    const ask = openClient(
      client as Protocol,
      client === 'stream' ? gateway.streamPort : gateway.port,
    )
    expect(await ask()).not.toBe('served')
    await until('its event', () => gateway.events.length === 1)
    expect(reached).toEqual([])
  },
)

test.each(['http', 'https', 'tcp'])(
  '%s health checks of a denied address open no connection',
  async (type) => {
    const { port, reached } = await startServer()
    const failures: unknown[] = []
    const log = {
      info: () => undefined,
      error: () => undefined,
      warn: (...line: unknown[]) => failures.push(line),
    }
    const active = {
      type,
      timeout: 5,
      healthy: { interval: 0.01 },
      unhealthy: { interval: 0.01, tcp_failures: 1 },
    }
    await openGateway(
      {
        services: [{ name: 's', host: 'u' }],
        upstreams: [
          {
            name: 'u',
            targets: [{ target: `${denied}:${port}`, weight: 1 }],
            healthchecks: { active },
          },
        ],
      },
      { egress, pools: { log } },
    )
    await until('failed probes', () => failures.length > 2)
    expect(JSON.stringify(failures[0])).toContain('health: probe failed')
    expect(reached).toEqual([])
  },
)

test('no service, target or vault leads to a listener of Weir or to a metadata service', async () => {
  const weir = await startWeir({ env: { WEIR_WORKERS: '1', WEIR_PROXY_LISTEN: '0.0.0.0:0' } })
  const portOf = (url: string): number => Number(new URL(url).port)
  const put = async (path: string, body: object) => {
    const response = await weir.admin('PUT', path, body)
    return `${response.status} ${await response.text()}`
  }
  await put('/upstreams/u', {})
  for (const url of [weir.proxyUrl, weir.secureUrl, weir.adminUrl, weir.managerUrl]) {
    const port = portOf(url)
    expect(await put('/services/own', { host: '127.0.0.1', port })).toContain('a listener of Weir')
    expect(await put('/services/own', { host: 'localhost', port })).toContain('a listener of Weir')
    const target = { target: `127.0.0.1:${port}` }
    expect((await weir.admin('POST', '/upstreams/u/targets', target)).status).toBe(400)
    const vault = { name: 'hcv', config: { host: '127.0.0.1', port, token: 't' } }
    expect(await put('/vaults/mine', vault)).toMatch(/^400.*a listener of Weir/)
  }
  const metadata = { url: 'http://169.254.169.254/latest/meta-data' }
  expect(await put('/services/metadata', metadata)).toMatch(/^400.*link-local/)

  // A name that only getaddrinfo knows as an address of this machine.
  const [host, port] = ['0x7f000001', portOf(weir.adminUrl)]
  expect(await put('/services/named', { host, port })).toMatch(/^200/)
  await put('/routes/named', { paths: ['/named'], service: { name: 'named' } })
  await weir.untilApplied()
  const answer = await fetch(`${weir.proxyUrl}/named`)
  expect([answer.status, await answer.text()]).toEqual([
    502,
    expect.stringContaining('not allowed'),
  ])
}, 180_000)
