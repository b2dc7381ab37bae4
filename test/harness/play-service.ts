import { openEgress } from '../../src/lib/egress.ts'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { until } from './until.ts'
import { Problem } from '../../src/lib/problem.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'
import type { Answer, UpstreamRequest } from '../../src/proxy/walk/ask-upstream.ts'
import { openPools } from '../../src/proxy/http1/open-http1-client.ts'
import {
  absentBody,
  openRequestBody,
  type IncomingBody,
} from '../../src/proxy/http1/request-body.ts'

export type ServiceConnection = { readonly socket: Socket; text: string; isClosed: boolean }

/** Pools by a clock that the test holds, before a service that the test plays. */
export async function playService(respond?: (connection: ServiceConnection) => void) {
  const connections: ServiceConnection[] = []
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection = { socket, text: '', isClosed: false }
    connections.push(connection)
    socket.on('data', (bytes) => {
      connection.text += bytes.toString('latin1')
      respond?.(connection)
    })
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    socket.on('close', () => (connection.isClosed = true))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const state = { now: 1_000, readings: 0 }
  const pools = openPools(() => {
    state.readings += 1
    return state.now
  }, openEgress())
  onTestFinished(() => {
    pools.close()
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  const target = {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    alternatives: [],
  }
  let abort: ((reason: Problem) => void) | undefined
  const send = (fields: Partial<UpstreamRequest> = {}): Promise<Answer> => {
    const attempt: UpstreamRequest = {
      secure: false,
      target,
      method: 'GET',
      path: '/p?q',
      host: 'h',
      upgrade: '',
      headers: new HeaderList(['X-A', 'b']),
      body: absentBody,
      timeouts: { connect: 100, write: 200, read: 300 },
      onStart: (stop) => (abort = stop),
      ...fields,
    }
    const answered = new Promise<Answer>((resolve, reject) =>
      (pools.takeIdle(attempt) ?? pools.connect(attempt)).send(attempt, { resolve, reject }),
    )
    answered.catch(() => undefined)
    return answered
  }
  return {
    connections,
    pools,
    state,
    send,
    target,
    /** Waits until what `act` sent was received by the gateway, which reads the clock then. */
    received: async (act: () => void): Promise<void> => {
      const before = state.readings
      act()
      await until('it is received', () => state.readings > before)
    },
    abort: () => abort?.(new Problem('client.closed', 499, 'left')),
    pass: (milliseconds: number): void => {
      state.now += milliseconds
      pools.sweep(state.now)
    },
    connected: (count = 1) =>
      until(`${count} requests arrived`, () => {
        const last = connections[count - 1]
        return last !== undefined && last.text !== '' ? last : undefined
      }),
  }
}

export const okAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
export const answering =
  (response: string) =>
  ({ socket }: ServiceConnection): void =>
    void socket.write(response, 'latin1')

/** Reads a body to its end. */
export function readAnswer({ body }: Answer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    if (body === undefined) return resolve(text)
    body.read({
      part: (bytes) => (text += String(bytes)),
      end: (trailers) =>
        resolve(trailers === undefined ? text : `${text} ${trailers.flat.join(',')}`),
      fail: reject,
    })
  })
}

/** A body of a request, of which nothing has arrived. */
export function openBody(length: number | undefined): IncomingBody {
  return openRequestBody({ length, limit: 0, onWanted: () => undefined })
}

/** Matches the failure of a request. */
export const failure = (stage: string, status: number, message?: string) =>
  expect.objectContaining({
    stage,
    problem: expect.objectContaining({
      status,
      ...(message === undefined ? {} : { cause: expect.objectContaining({ message }) }),
    }),
  })
