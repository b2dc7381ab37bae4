import dgram from 'node:dgram'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import net, { type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import type { SnapshotInput } from '../harness/build-snapshot.ts'
import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

type Entry = Record<string, unknown> & {
  readonly request: Record<string, unknown>
  readonly response: Record<string, unknown>
}

async function gatewayWith(words: SnapshotInput, options: GatewayOptions = {}) {
  const upstream = await startUpstream((_, response) => {
    response.setHeader('set-cookie', 'session=SECRET-SESSION')
    response.end('hello')
  })
  const gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port }],
      routes: [{ name: 'all', paths: ['/'], service: 'echo' }],
      ...words,
    },
    options,
  )
  return { ...gateway, upstream }
}

/** A collector that keeps the bodies that it answers with 200. */
async function startCollector(answers: (request: IncomingMessage) => number | 'never' = () => 200) {
  const bodies: { readonly text: string; readonly headers: IncomingMessage['headers'] }[] = []
  const { port } = await startUpstream(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const status = answers(request)
    if (status === 'never') return
    response.statusCode = status
    response.end()
    if (status === 200)
      bodies.push({ text: Buffer.concat(parts).toString(), headers: request.headers })
  })
  const entries = (): Entry[] => bodies.flatMap(({ text }) => [JSON.parse(text)].flat() as Entry[])
  return { url: `http://127.0.0.1:${port}/logs`, bodies, entries }
}

function openTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-logs-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

const secrets = ['SECRET-KEY-1', 'SECRET-BEARER', 'SECRET-SESSION', 'SECRET-TOKEN', 'SECRET-QUERY']

test('http-log sends Kong’s entry for each request, without credentials', async () => {
  const collector = await startCollector()
  const { ask, upstream, port } = await gatewayWith({
    consumers: { alice: { keys: [secrets[0] as string] } },
    plugins: [
      { name: 'key-auth', config: { hide_credentials: false } },
      { name: 'correlation-id' },
      {
        name: 'http-log',
        config: { http_endpoint: collector.url, headers: { Authorization: 'Bearer SINK' } },
      },
    ],
  })
  await ask('/a/b?x=1&x=2&flag&access_token=SECRET-QUERY', {
    headers: {
      apikey: 'SECRET-KEY-1',
      authorization: 'Bearer SECRET-BEARER',
      cookie: 'session=SECRET-SESSION',
      'x-csrf-token': 'SECRET-TOKEN',
      referer: 'http://h/?token=SECRET-TOKEN',
      'x-copy': 'SECRET-KEY-1',
    },
  })
  const entry = await until('an entry', () => collector.entries()[0])
  expect(entry).toMatchObject({
    request: {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      method: 'GET',
      uri: '/a/b?x=1&x=2&flag&access_token=REDACTED',
      url: `http://127.0.0.1:${port}/a/b?x=1&x=2&flag&access_token=REDACTED`,
      querystring: { x: ['1', '2'], flag: true, access_token: 'REDACTED' },
      headers: {
        authorization: 'REDACTED',
        apikey: 'REDACTED',
        cookie: 'REDACTED',
        'x-copy': 'REDACTED',
      },
      size: expect.any(Number),
    },
    upstream_uri: '/a/b?x=1&x=2&flag&access_token=REDACTED',
    upstream_status: '200',
    response: { status: 200, headers: { 'set-cookie': 'REDACTED' }, size: expect.any(Number) },
    latencies: {
      kong: expect.any(Number),
      proxy: expect.any(Number),
      request: expect.any(Number),
      receive: expect.any(Number),
    },
    tries: [{ ip: '127.0.0.1', port: upstream.port, balancer_start: expect.any(Number) }],
    authenticated_entity: { id: 'alice-SECRET-KEY-1', consumer_id: 'alice' },
    consumer: { id: 'alice', username: 'alice' },
    route: { id: 'all', name: 'all', paths: ['/'], service: { id: 'echo' } },
    service: { id: 'echo', name: 'echo', port: upstream.port, retries: 5 },
    client_ip: '127.0.0.1',
    source: 'upstream',
    workspace_name: 'test',
    correlation_id: expect.any(String),
  })
  expect(Math.abs(Number(entry?.['started_at']) - Date.now())).toBeLessThan(60_000)
  const [sent] = collector.bodies
  expect(sent?.headers).toMatchObject({
    'content-type': 'application/json',
    authorization: 'Bearer SINK',
  })
  // The test harness makes ids of credentials from keys.
  const text = sent?.text.replace('alice-SECRET-KEY-1', '')
  expect(secrets.filter((secret) => text?.includes(secret))).toEqual([])
})

test('an entry is sent for a request that the gateway refused', async () => {
  const collector = await startCollector()
  const { ask } = await gatewayWith({
    plugins: [{ name: 'key-auth' }, { name: 'http-log', config: { http_endpoint: collector.url } }],
  })
  expect((await ask('/')).status).toBe(401)
  const entry = await until('an entry', () => collector.entries()[0])
  expect(entry).toMatchObject({
    response: { status: 401, headers: { 'www-authenticate': 'Key' } },
    source: 'kong',
    upstream_uri: '',
    upstream_status: '',
    latencies: { proxy: -1 },
  })
  expect(entry).not.toHaveProperty('tries')
  expect(entry).not.toHaveProperty('consumer')
})

test('http-log sends batches as lists, and again when the server fails', async () => {
  // The server fails until all entries are queued, so that their number alone decides the batches.
  let isDown = true
  let failures = 0
  const collector = await startCollector(() => {
    if (isDown) failures += 1
    return isDown ? 503 : 200
  })
  const config = {
    http_endpoint: collector.url,
    queue: { max_batch_size: 5, max_coalescing_delay: 0.05, max_retry_delay: 0.05 },
  }
  const { ask, exporters } = await gatewayWith({ plugins: [{ name: 'http-log', config }] })
  for (let index = 0; index < 12; index += 1) await ask(`/${index}`)
  await until('a failure', () => failures > 0)
  isDown = false
  const status = await until('all entries', () =>
    exporters.status().find(({ sent }) => sent === 12),
  )
  expect(collector.entries().map(({ request }) => request['uri'])).toEqual(
    Array.from({ length: 12 }, (_, index) => `/${index}`),
  )
  // The first batch may have been made of fewer than five.
  expect(collector.bodies.length).toBeLessThanOrEqual(4)
  expect(status).toMatchObject({ plugin: 'http-log', dropped: 0, failures, queued: 0, error: '' })
})

test('a server that never answers delays no request, and its queue is bounded', async () => {
  const collector = await startCollector(() => 'never')
  const config = { http_endpoint: collector.url, queue: { max_entries: 10 } }
  const { ask, exporters } = await gatewayWith({ plugins: [{ name: 'http-log', config }] })
  for (let index = 0; index < 40; index += 1) expect((await ask('/')).status).toBe(200)
  await until('entries are dropped', () => (exporters.status()[0]?.dropped ?? 0) >= 29)
  const [status] = exporters.status()
  expect(status?.queued).toBe(10)
  await exporters.stop(0)
  expect(exporters.status()[0]).toMatchObject({ sent: 0, dropped: 40, queued: 0, queuedBytes: 0 })
})

test('queued entries are sent after the plugin was removed', async () => {
  const collector = await startCollector()
  const config = {
    http_endpoint: collector.url,
    queue: { max_batch_size: 100, max_coalescing_delay: 3_600 },
  }
  const gateway = await gatewayWith({ plugins: [{ name: 'http-log', config }] })
  await gateway.ask('/')
  gateway.reconfigure({})
  await until('the entry', () => collector.entries().length === 1)
  await until('the exporter is closed', () => gateway.exporters.status().length === 0)
  expect(collector.entries()).toHaveLength(1)
})

test('file-log appends lines, and with reopen to the file that is there after a rotation', async () => {
  const directory = openTemporaryDirectory()
  const path = join(directory, 'access.log')
  const { ask } = await gatewayWith(
    { plugins: [{ name: 'file-log', config: { path, reopen: true } }] },
    { logDirectories: [directory] },
  )
  const uris = (file: string) => () =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Entry).request['uri'])
  await ask('/before')
  await until('the first line', uris(path))
  renameSync(path, `${path}.1`)
  await ask('/after')
  await until('the second line', uris(path))
  expect([uris(`${path}.1`)(), uris(path)()]).toEqual([['/before'], ['/after']])
})

test.each(['/etc/passwd', 'DIRECTORY/../outside.log', 'DIRECTORY/link/outside.log'])(
  'file-log does not write outside of the directories for logs: %s',
  async (given) => {
    const root = openTemporaryDirectory()
    const directory = join(root, 'logs')
    mkdirSync(directory)
    symlinkSync(root, join(directory, 'link'))
    const path = given.replace('DIRECTORY', directory)
    const { ask, exporters } = await gatewayWith(
      { plugins: [{ name: 'file-log', config: { path } }] },
      { logDirectories: [directory] },
    )
    expect((await ask('/')).status).toBe(200)
    await until('the write failed', () => (exporters.status()[0]?.failures ?? 0) > 0)
    expect(exporters.status()[0]?.error).toContain('WEIR_LOG_DIRECTORIES')
  },
)

test('tcp-log sends lines, also after the server was restarted', async () => {
  const lines: string[] = []
  const sockets: net.Socket[] = []
  const start = (at: number): Promise<Server> =>
    new Promise((resolve) => {
      const server = net.createServer((socket) => {
        sockets.push(socket)
        let text = ''
        socket.on('error', () => undefined)
        socket.on('data', (data) => {
          text += data.toString()
          const parts = text.split('\n')
          text = parts.pop() ?? ''
          lines.push(...parts)
        })
      })
      server.listen(at, '127.0.0.1', () => resolve(server))
      onTestFinished(() => void server.close())
    })
  const first = await start(0)
  const { port } = first.address() as AddressInfo
  const { ask, exporters } = await gatewayWith({
    plugins: [{ name: 'tcp-log', config: { host: 'localhost', port } }],
  })
  await ask('/one')
  await until('the first line', () => lines.length === 1)
  first.close()
  for (const socket of sockets) socket.destroy()
  await ask('/two')
  await until('an attempt failed', () => (exporters.status()[0]?.failures ?? 0) > 0)
  await start(port)
  await until('the second line', () => lines.length === 2)
  expect(lines.map((line) => (JSON.parse(line) as Entry).request['uri'])).toEqual(['/one', '/two'])
})

test('udp-log sends each entry in a datagram', async () => {
  const server = dgram.createSocket('udp4')
  const datagrams: Entry[] = []
  server.on('message', (message) => void datagrams.push(JSON.parse(message.toString()) as Entry))
  await new Promise<void>((resolve) => void server.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address()
  const { ask } = await gatewayWith({
    plugins: [{ name: 'udp-log', config: { host: '127.0.0.1', port } }],
  })
  await ask('/one')
  await ask('/two')
  await until('two datagrams', () => datagrams.length === 2)
  expect(datagrams.map(({ request }) => request['uri'])).toEqual(['/one', '/two'])
})

test.each([
  ['http-log', { http_endpoint: 'http://h/' }],
  ['file-log', { path: '/tmp/a.log' }],
  ['tcp-log', { host: 'h', port: 1 }],
  ['udp-log', { host: 'h', port: 1 }],
])('%s refuses expressions in Lua, and accepts an empty map', (name, config) => {
  const { settings } = catalog.find((plugin) => plugin.name === name) as (typeof catalog)[number]
  const parse = (fields: object) => settings.safeParse({ ...config, custom_fields_by_lua: fields })
  expect(parse({}).success).toBe(true)
  expect(parse({ a: 'return 1' }).error?.issues[0]?.message).toContain('Weir does not run Lua')
})

test('the URL of a log server may be in a vault, and must be one', () => {
  const { settings } = catalog.find(({ name }) => name === 'http-log') as (typeof catalog)[number]
  const accepts = (url: string) => settings.safeParse({ http_endpoint: url }).success
  expect(['{vault://env/log-url}', 'https://u:p@h:1/a'].map(accepts)).toEqual([true, true])
  expect(['h', 'ftp://h', '', 'http://'].map(accepts)).toEqual([false, false, false, false])
})
