import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import { untilClosed } from '../harness/until-closed.ts'

async function startGreeter(): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Bytes from a server until it closes the connection. */
async function hear(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let heard = ''
  socket.on('data', (part) => (heard += String(part)))
  await untilClosed(socket)
  return heard
}

test('routes with expressions are configured as with Kong, and serve requests and connections', async () => {
  const upstream = await startUpstream()
  const greeter = await startGreeter()
  const streamPort = await freePort()
  const weir = await startWeir({ env: { WEIR_STREAM_LISTEN: `127.0.0.1:${streamPort}` } })
  const put = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await weir.admin('PUT', path, body)
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  await put('/services/echo', { url: `http://127.0.0.1:${upstream.port}` })
  await put('/services/raw', { url: `tcp://127.0.0.1:${greeter}` })
  const service = { name: 'echo' }

  const invalid = { service, expression: 'http.path ^= "/a" && http.path > 1' }
  const sentence =
    "Router Expression failed validation: line 1, column 22: '>' does not apply to 'http.path', which is of type string"
  expect(await put('/routes/wrong', invalid)).toMatchObject({
    status: 400,
    code: 2,
    name: 'schema violation',
    message: `schema violation (${sentence})`,
    fields: { '@entity': [sentence] },
  })
  const info = (await (await weir.admin('GET', '/')).json()) as { configuration: object }
  expect(info.configuration).toMatchObject({ router_flavor: 'expressions' })
  const schema = await (await weir.admin('GET', '/schemas/routes')).text()
  expect(schema).toContain('{"expression":{')
  expect(schema).toContain('70368744177663')

  await put('/routes/plain', { service, paths: ['/a/b'], hosts: ['127.0.0.1'] })
  const low = { service, expression: 'http.path ^= "/a"' }
  expect(await put('/routes/low', low)).toMatchObject({
    status: 200,
    expression: low.expression,
    priority: null,
    paths: null,
  })
  await put('/routes/high', {
    service,
    expression: String.raw`http.path ~ "^/a/(?<id>\\d+)" && any(http.headers.x_kind) == "new" && http.queries.all == "1"`,
    priority: 2 ** 46 - 1,
  })
  await put('/routes/secure', {
    service,
    protocols: ['https'],
    expression: 'http.path == "/secure" && net.src.ip in 127.0.0.0/8',
    priority: 3,
    https_redirect_status_code: 308,
  })
  await put('/routes/raw', {
    service: { name: 'raw' },
    protocols: ['tcp'],
    expression: `net.dst.port == ${streamPort} && net.protocol == "tcp"`,
  })
  await weir.untilApplied()

  const ask = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await fetch(weir.proxyUrl + path, { headers, redirect: 'manual' })
    return answer.status === 200 ? ((await answer.json()) as Echo).url : String(answer.status)
  }
  expect([
    await ask('/a/b/c'),
    await ask('/a/17/x?all=1', { 'x-kind': 'new' }),
    await ask('/a/17/x?all=2', { 'x-kind': 'new' }),
    await ask('/b'),
    await ask('/secure'),
  ]).toEqual(['/b/c', '/x?all=1', '/17/x?all=2', '404', '308'])
  await until('the stream', async () => (await hear(streamPort)) === 'hello')
})
