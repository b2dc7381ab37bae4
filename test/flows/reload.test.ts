import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import net from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const connections = 1_000
const programs = 12

test(
  'swaps programs under a thousand busy connections without an error, and keeps connections and health',
  { timeout: 600_000 },
  async () => {
    const held: ServerResponse[] = []
    let isHolding = false
    const healthy = await startUpstream((_request, response) =>
      isHolding ? held.push(response) : response.end('ok'),
    )
    const gone = await freePort()
    const words = (step: number) => ({
      services: [{ name: 'api', host: 'pool', tags: [`step-${step}`] }],
      routes: Array.from({ length: 1 + step * 80 }, (_, index) => ({
        name: `route-${index}`,
        paths: [index === 0 ? '/' : `/other/${index}`],
        service: 'api',
      })),
      upstreams: [
        {
          name: 'pool',
          targets: [healthy.port, gone].map((port) => ({
            target: `127.0.0.1:${port}`,
            weight: 100,
          })),
          healthchecks: { passive: { unhealthy: { tcp_failures: 1 } } },
        },
      ],
    })
    const gateway = await openGateway(words(0), { admission: { inFlight: Infinity } })
    const health = () => gateway.pools.health()[0]?.targets.map((target) => target.health)
    while (health()?.[1] !== 'UNHEALTHY') expect((await gateway.ask('/')).status).toBe(200)

    const clients: Awaited<ReturnType<typeof openClient>>[] = []
    while (clients.length < connections) clients.push(...(await openClients(gateway.port, 50)))
    // A turn of an event loop accepts one connection and serves all others, so all are opened before there is load. Few
    // are released in a turn: the gateway keeps half as many idle ones.
    isHolding = true
    for (const client of clients) client.keepAsking()
    await until('a connection for each client', () => held.length === connections)
    isHolding = false
    while (held.length > 0) {
      for (const response of held.splice(0, 50)) response.end('ok')
      await nextTurn()
    }
    for (let step = 1; step <= programs; step += 1) {
      const answered = clients.map(({ next }) => next())
      gateway.reconfigure(words(step))
      expect(health(), 'a new program knows who is ill').toEqual(['HEALTHY', 'UNHEALTHY'])
      await Promise.all(answered)
    }
    expect(gateway.proxy.revision).toBe(programs + 1)
    expect(clients.flatMap(({ failures }) => failures)).toEqual([])
    expect(clients.every(({ answers }) => answers() >= programs)).toBe(true)
  },
)

/** Connections that were answered once. More at a time could overflow the backlogs of a busy machine, which then waits for retransmissions. */
async function openClients(port: number, count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => openClient(port)))
  await Promise.all(
    clients.map(async ({ answers, next }) => {
      if (answers() === 0) await next()
    }),
  )
  return clients
}

/** A connection that is answered once, and then always has a request in flight. */
async function openClient(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  const failures: string[] = []
  let answers = 0
  let waiting: (() => void)[] = []
  let isAsking = false
  const ask = (): void => void socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.on('data', (bytes) => {
    const text = String(bytes)
    if (!text.startsWith('HTTP/1.1 200')) failures.push(text)
    answers += 1
    for (const resolve of waiting.splice(0)) resolve()
    if (isAsking) ask()
  })
  socket.on('close', () => failures.push('closed'))
  socket.on('error', (error) => failures.push(String(error)))
  ask()
  return {
    failures,
    answers: () => answers,
    keepAsking(): void {
      isAsking = true
      ask()
    },
    next: () => new Promise<void>((resolve) => void (waiting = [...waiting, resolve])),
  }
}

/** An unused port. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
