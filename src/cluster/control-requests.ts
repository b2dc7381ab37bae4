import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { Problem } from '../lib/problem.ts'

/** A request to the control plane. */
export type ControlRequest = {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | string | undefined
}

/** Sends requests to one control plane on connections that are kept. */
export type ControlRequests = {
  /** Resolves with the response once its head is there. */
  send(request: ControlRequest): Promise<IncomingMessage>
  /** Ends every request. */
  close(): void
}

/** Milliseconds to connect, until the head of a response, and between two parts of its body. */
const timeouts = { connect: 5_000, head: 60_000, body: 15_000 } as const

/** Opens a client of the control plane at `url`. Node's own, because the gateway needs its module anyway and starts faster without another. */
export function openControlRequests(url: string): ControlRequests {
  const { Agent, request } = url.startsWith('https:') ? https : http
  const agent = new Agent({ keepAlive: true })
  let isClosed = false

  return {
    send({ method, path, headers, body }) {
      if (isClosed) throw new Problem('control.closed', 503, 'The connection is closed')
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const sent = request(url + path, { method, headers, agent }, (response) => {
        limitSilence(response)
        resolve(response)
      })
      const expire = (what: string) => (): void =>
        void sent.destroy(new Error(`${what} timed out at ${url}`))
      sent.on('error', reject)
      sent.setTimeout(timeouts.head, expire('the response'))
      sent.once('socket', (socket) => {
        if (!socket.connecting) return
        const connecting = setTimeout(expire('the connection'), timeouts.connect)
        for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(connecting))
      })
      sent.end(body)
      return promise
    },
    close() {
      isClosed = true
      agent.destroy()
    },
  }
}

/** Ends a response that was idle for too long; a response that is not read is not idle. */
function limitSilence(response: IncomingMessage): void {
  response.setTimeout(timeouts.body, () => {
    if (response.readableLength === 0) response.destroy(new Error('the response timed out'))
    else limitSilence(response)
  })
}
