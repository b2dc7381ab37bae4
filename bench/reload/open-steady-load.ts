import { once } from 'node:events'
import net from 'node:net'

/** Keep-alive connections that send requests at a constant rate. */
export type SteadyLoad = {
  /** Milliseconds from the scheduled time of each request to its response, in order; failures count as errors. */
  measure(milliseconds: number): Promise<{ latencies: number[]; errors: number }>
  close(): void
}

type Client = { readonly socket: net.Socket; askedAt: number | undefined }

/** A request for one of the routes with a host of their own; see `bench/routes/shapes.ts`. */
function requestFor(turn: number): string {
  const number = (turn * 10) % 10_000
  return `GET /v${1 + (number % 3)}/orders HTTP/1.1\r\nHost: api-${number}.example.com\r\n\r\n`
}

/** Opens `count` connections that together send `rate` requests a second. */
export async function openSteadyLoad(
  port: number,
  count: number,
  rate: number,
): Promise<SteadyLoad> {
  let latencies: number[] = []
  let errors = 0
  const open = async (): Promise<Client> => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    const client: Client = { socket, askedAt: undefined }
    await once(socket, 'connect')
    socket.on('data', (bytes) => {
      if (!String(bytes).startsWith('HTTP/1.1 200')) errors += 1
      else if (client.askedAt !== undefined) latencies.push(performance.now() - client.askedAt)
      client.askedAt = undefined
    })
    socket.on('error', () => (errors += 1))
    return client
  }
  const clients: Client[] = []
  while (clients.length < count)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, open))))
  let next = 0
  const ask = (dueAt: number): void => {
    const client = clients[(next += 1) % clients.length] as Client
    if (client.askedAt !== undefined) return void (errors += 1)
    client.askedAt = dueAt
    client.socket.write(requestFor(next))
  }
  return {
    async measure(milliseconds) {
      latencies = []
      errors = 0
      const start = performance.now()
      const due = (milliseconds * rate) / 1_000
      for (let sent = 0; sent < due;) {
        const now = performance.now()
        while (sent < due && start + (sent * 1_000) / rate <= now) {
          ask(start + (sent * 1_000) / rate)
          sent += 1
        }
        await new Promise((resolve) => void setTimeout(resolve, 1))
      }
      const patience = performance.now() + 5_000
      while (clients.some(({ askedAt }) => askedAt !== undefined) && performance.now() < patience)
        await new Promise((resolve) => void setTimeout(resolve, 5))
      return { latencies, errors }
    },
    close() {
      for (const { socket } of clients) socket.destroy()
    },
  }
}
