import { once } from 'node:events'
import { existsSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** A service that never responds, except for /quick. */
async function startSilentUpstream() {
  const taken: string[] = []
  const { port } = await startUpstream((request, response) => {
    if (request.url === '/quick') response.end('ok')
    else taken.push(request.url ?? '')
    if (request.url === '/begun') response.write('begun')
  })
  return { port, taken }
}

test('records exchanges that a stop breaks at its deadline, for every protocol', async () => {
  const upstream = await startSilentUpstream()
  const gateway = await openGateway({
    services: [
      { name: 'api', host: '127.0.0.1', port: upstream.port },
      { name: 'stream', protocol: 'tcp', host: '127.0.0.1', port: upstream.port },
    ],
    routes: [
      { name: 'all', paths: ['/'], service: 'api', strip_path: false },
      { name: 'stream', protocols: ['tcp'], sources: [{ ip: '127.0.0.1' }], service: 'stream' },
    ],
  })
  const session = http2.connect(gateway.url)
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/http2' }).on('error', () => undefined)
  const raw = net.connect(gateway.streamPort, '127.0.0.1').on('error', () => undefined)
  raw.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n')
  const responses = ['/http1', '/begun'].map((path) =>
    gateway
      .ask(path)
      .then((answer) => answer.text())
      .catch(() => 'broken'),
  )
  await until('all are under way', () => upstream.taken.length === 4)
  let isDrained = false
  const draining = gateway.proxy.drain(400).then(() => (isDrained = true))
  await sleep(200)
  expect([isDrained, gateway.events.length], 'nothing is cut off before the deadline').toEqual([
    false,
    0,
  ])
  await draining
  expect(await Promise.all(responses)).toEqual(['broken', 'broken'])
  await until('the stream is gone', () => stream.closed)
  const events = gateway.events.filter(({ reason }) => reason === 'gateway.stopped')
  expect(events.map(({ path }) => path).toSorted()).toEqual(['', '/begun', '/http1', '/http2'])
  expect(gateway.events).toHaveLength(4)
})

test('a second stop with a shorter deadline shortens the first', async () => {
  const upstream = await startSilentUpstream()
  const gateway = await openGateway({
    services: [{ name: 'api', host: '127.0.0.1', port: upstream.port }],
    routes: [{ paths: ['/'], service: 'api' }],
  })
  const responses = gateway.ask('/').catch(() => 'broken')
  await until('it is under way', () => upstream.taken.length === 1)
  const first = gateway.proxy.drain(600_000)
  await gateway.proxy.drain(0)
  await first
  expect(await responses).toBe('broken')
  expect(gateway.events.map(({ reason }) => reason)).toEqual(['gateway.stopped'])
})

async function weirBefore(port: number, drainSeconds: number): Promise<TestWeir> {
  const weir = await startWeir({
    env: { WEIR_WORKERS: '1', WEIR_DRAIN_SECONDS: String(drainSeconds) },
  })
  await weir.admin('PUT', '/services/api', { host: '127.0.0.1', port })
  await weir.admin('PUT', '/routes/api', { paths: ['/'], service: { name: 'api' } })
  await until('it serves', async () => (await fetch(`${weir.proxyUrl}/quick`)).status === 200)
  return weir
}

test('a stop waits until its deadline, and the broken exchange reaches the warehouse', async () => {
  const upstream = await startSilentUpstream()
  const weir = await weirBefore(upstream.port, 1)
  const responses = fetch(`${weir.proxyUrl}/never`).catch(() => 'broken')
  await until('it is under way', () => upstream.taken.length === 1)
  await weir.stop()
  expect(await responses).toBe('broken')
  const again = await startWeir({ data: weir.data, env: { WEIR_WORKERS: '1' } })
  await until('its event is there', async () => {
    const { data } = await again.query({
      measures: ['requests.count'],
      filters: [{ member: 'requests.reason', operator: 'equals', values: ['gateway.stopped'] }],
    })
    return data[0]?.['requests.count'] === 1
  })
}, 120_000)

test('a second signal ends a stop and all processes at once', async () => {
  const upstream = await startSilentUpstream()
  const weir = await weirBefore(upstream.port, 3_600)
  const responses = fetch(`${weir.proxyUrl}/never`).catch(() => 'broken')
  await until('it is under way', () => upstream.taken.length === 1)
  const pids = weir.children('weir')
  expect(pids.length).toBeGreaterThan(0)
  const exited = once(weir.process, 'exit')
  weir.process.kill('SIGTERM')
  await until('it takes no more', () =>
    fetch(`${weir.proxyUrl}/quick`, { headers: { connection: 'close' } }).then(
      () => false,
      () => true,
    ),
  )
  weir.process.kill('SIGTERM')
  await exited
  expect(await responses).toBe('broken')
  await until('all are gone', () => pids.every((pid) => !existsSync(`/proc/${pid}`)))
}, 120_000)
