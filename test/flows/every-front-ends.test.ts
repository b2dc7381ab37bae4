import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildTestSnapshot } from '../harness/build-snapshot.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { openClient, type End, type Protocol } from '../harness/open-client.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLog } from '../../src/lib/log.ts'
import { defaultFrontLimits } from '../../src/proxy/limits.ts'
import { openProxy } from '../../src/proxy/open-proxy.ts'
import { compileProgram, type Program } from '../../src/proxy/program.ts'

// Errors before there is an exchange: nothing else catches them, and one would end the worker.

/** Every step before an exchange with an injected fault, and the protocols whose front runs it. */
const steps = {
  'read the connection': ['http1', 'http2', 'websocket', 'stream'],
  'read the head': ['http1', 'http2', 'websocket'],
  'open the exchange': ['http1', 'http2', 'websocket', 'stream'],
} as const
type Step = keyof typeof steps | 'find the certificate'

const cases = Object.entries(steps).flatMap(([step, protocols]) =>
  protocols.map((protocol) => [protocol, step as Step] as const),
)

const requests = 20

/** A gateway whose steps before an exchange fail on demand. */
async function openFaulty(port: number) {
  let planted: Step | undefined
  const hit = (step: Step): void => {
    if (planted === step) throw new Error(`planted: ${step}`)
  }
  const lines: string[] = []
  const authority = await makeAuthority('test')
  const certificate = await authority.issue({ names: ['a.test'] })
  const compiled = compileProgram(
    buildTestSnapshot({
      services: [
        { name: 's', host: '127.0.0.1', port },
        { name: 'tcp', host: '127.0.0.1', port, protocol: 'tcp' },
      ],
      routes: [
        { name: 'r', service: 's', paths: ['/'] },
        { name: 't', service: 'tcp', protocols: ['tcp'], sources: [{ ip: '127.0.0.0/8' }] },
      ],
      certificates: { 'a.test': certificate },
    }),
    1,
    {
      catalog: [],
      counters: { take: () => ({ admitted: true, counts: [] }) },
      clock: systemClock,
    },
  )
  const program: Program = {
    ...compiled,
    get revision() {
      hit('open the exchange')
      return 1
    },
    names: {
      ...compiled.names,
      find(name, policy) {
        hit('find the certificate')
        return compiled.names.find(name, policy)
      },
    },
  }
  const proxy = openProxy({
    program,
    limits: {
      ...defaultFrontLimits,
      get headBytes() {
        hit('read the head')
        return defaultFrontLimits.headBytes
      },
    },
    node: { node: 'test', zone: '', environment: '' },
    record(_event, answer) {
      answer.release()
    },
    log: openLog('test', (line) => void lines.push(line)),
  })
  const plantInSocket = (socket: Socket): void => {
    Object.defineProperty(socket, 'remoteAddress', {
      get: () => hit('read the connection') ?? '127.0.0.1',
    })
  }
  let accepted = 0
  const listen = async (server: net.Server): Promise<number> => {
    server.prependListener('connection', plantInSocket)
    server.on('connection', () => (accepted += 1))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  onTestFinished(() => proxy.drain(0))
  return {
    port: await listen(proxy.server),
    securePort: await listen(proxy.secureServer),
    streamPort: await listen(proxy.addStreamServer({ isSecure: false })),
    plant: (step: Step | undefined) => void (planted = step),
    accepted: () => accepted,
    proxy,
    lines,
  }
}

async function startTarget(protocol: Protocol): Promise<number> {
  if (protocol === 'stream') {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end('one two'))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return (server.address() as AddressInfo).port
  }
  const upstream = await startUpstream((_request, response) => response.end('one two'))
  upstream.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined)
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
  })
  return upstream.port
}

const stacksOf = (lines: readonly string[]): number =>
  lines.filter((line) => /"stack":"Error: planted/.test(line)).length

describe.each(cases)('%s: an error in the step "%s"', (protocol, step) => {
  test('ends that connection with a log line, and the gateway continues', async () => {
    const gateway = await openFaulty(await startTarget(protocol))
    const port = protocol === 'stream' ? gateway.streamPort : gateway.port
    const ask = (): Promise<End> => openClient(protocol, port)()
    expect(await ask()).toBe('served')
    gateway.plant(step)
    const ends: End[] = []
    while (ends.length < requests) ends.push(...(await Promise.all([ask(), ask()])))
    expect(ends).not.toContain('served')
    expect(stacksOf(gateway.lines)).toBeGreaterThanOrEqual(requests)
    gateway.plant(undefined)
    expect(await ask()).toBe('served')
    await until('no exchange is left', () => gateway.proxy.exchanges === 0)
  })
})

test('an error in finding the certificate of a server name ends the handshake, and the gateway continues', async () => {
  const gateway = await openFaulty(await startTarget('http1'))
  const shake = (): Promise<string> =>
    new Promise((resolve) => {
      const options = { port: gateway.securePort, servername: 'a.test', rejectUnauthorized: false }
      const socket = tls.connect({ host: '127.0.0.1', ...options }, () => {
        resolve('secure')
        socket.destroy()
      })
      socket.on('error', () => resolve('cut'))
      socket.on('close', () => resolve('cut'))
    })
  expect(await shake()).toBe('secure')
  gateway.plant('find the certificate')
  for (let sent = 0; sent < requests; sent += 1) expect(await shake()).toBe('cut')
  expect(stacksOf(gateway.lines)).toBeGreaterThanOrEqual(requests)
  gateway.plant(undefined)
  expect(await shake()).toBe('secure')
})

test.each(['http1', 'http2', 'stream'] as const)(
  '%s: the reset of a connection by its client is logged with its cause',
  async (protocol) => {
    const gateway = await openFaulty(await startTarget(protocol === 'stream' ? 'stream' : 'http1'))
    const port = protocol === 'stream' ? gateway.streamPort : gateway.port
    const socket = net.connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    if (protocol === 'http1') socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    if (protocol === 'http2') {
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
      socket.write(Buffer.concat([Buffer.from(preface), settings]))
      await once(socket, 'data')
    }
    await until('the gateway has it', () => gateway.accepted() === 1)
    socket.resetAndDestroy()
    const line = await until('it is logged', () =>
      gateway.lines.find((one) => one.includes('proxy: connection to a client failed')),
    )
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      error: { message: expect.stringContaining('ECONNRESET') as string },
    })
  },
)
