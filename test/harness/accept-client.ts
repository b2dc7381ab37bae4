import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'
import type { Problem } from '../../src/lib/problem.ts'
import type { Reply, RequestBody, RequestHead } from '../../src/proxy/exchange.ts'
import { readInto } from '../../src/proxy/front/read-into.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'
import { defaultFrontLimits, type FrontLimits } from '../../src/proxy/limits.ts'
import { ClientConnection } from '../../src/proxy/http1/client-connection.ts'

export type ArrivedRequest = {
  readonly head: RequestHead
  readonly body: RequestBody
  readonly reply: Reply
  gone: number
}

type Options = {
  readonly limits?: Partial<FrontLimits>
  readonly onRequest?: (arrived: ArrivedRequest) => void
  readonly onMalformed?: (problem: Problem, reply: Reply) => void
}

/** A connection by a clock that the test holds, to a client that the test plays. */
export async function acceptClient({ limits, onRequest, onMalformed }: Options = {}) {
  const arrived: ArrivedRequest[] = []
  const problems: Problem[] = []
  const faults: unknown[] = []
  const clientErrors: unknown[] = []
  const state = { now: 1_000_000, isDraining: false }
  const accepted = Promise.withResolvers<{ connection: ClientConnection; socket: Socket }>()
  const server = net.createServer((socket) => {
    const connection = new ClientConnection(socket, {
      events: {
        onRequest(head, body, reply) {
          const one = { head, body, reply, gone: 0 }
          arrived.push(one)
          onRequest?.(one)
          return () => void (one.gone += 1)
        },
        onMalformed(problem, reply) {
          problems.push(problem)
          if (onMalformed !== undefined) return onMalformed(problem, reply)
          reply.begin(problem.status, new HeaderList(['Date', 'D', 'Content-Length', '2']))
          reply.finish(Buffer.from('no'))
        },
        onFault: (error) => void faults.push(error),
        onClientError: (error) => void clientErrors.push(error),
      },
      limits: { ...defaultFrontLimits, ...limits },
      now: () => state.now,
      isDraining: () => state.isDraining,
    })
    readInto(socket, connection.take)
    accepted.resolve({ connection, socket })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const seen = { text: '', isEnded: false, isClosed: false }
  client.on('data', (bytes) => (seen.text += String(bytes)))
  client.on('error', () => undefined)
  client.on('end', () => (seen.isEnded = true))
  client.on('close', () => (seen.isClosed = true))
  const { connection, socket } = await accepted.promise
  let isClosed = false
  socket.on('close', () => (isClosed = true))
  return {
    arrived,
    problems,
    faults,
    clientErrors,
    state,
    client,
    seen,
    socket,
    connection,
    send: (text: string) => void client.write(text, 'latin1'),
    pass: (milliseconds: number): void => {
      state.now += milliseconds
      connection.sweep(state.now)
    },
    get isClosed() {
      return isClosed
    },
    requests: (count: number) =>
      until(`${count} requests arrived`, () =>
        arrived.length === count ? arrived.at(-1) : undefined,
      ),
    closed: () => until('the connection is closed', () => isClosed),
    received: (text: string) => until(`${text} is received`, () => seen.text.endsWith(text)),
  }
}

export function answer({ reply }: ArrivedRequest, body = 'ok'): void {
  reply.begin(200, new HeaderList(['Date', 'D', 'Content-Length', String(body.length)]))
  reply.finish(Buffer.from(body))
}

export const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
export const post = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`
export const ok = (fields = ''): string =>
  `HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 2\r\n${fields}\r\nok`

/** Everything that was received so far has been handled. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

export async function readBody(body: RequestBody): Promise<string> {
  let text = ''
  for await (const bytes of body.open()) text += String(bytes)
  return text
}
