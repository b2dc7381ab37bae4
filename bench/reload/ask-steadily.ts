import { once } from 'node:events'
import net from 'node:net'

/** Connections that stay open and ask at a steady pace. */
export type SteadyLoad = {
  /** Milliseconds from when each request of the next while was due to its answer, in order; what failed counts as an error. */
  measure(milliseconds: number): Promise<{ latencies: number[]; errors: number }>
  close(): void
}

type Client = { readonly socket: net.Socket; askedAt: number | undefined }

/** Asks for one of the routes that have a host of their own; see `bench/routes/shapes.ts`. */
function requestFor(turn: number): string {
  const number = (turn * 10) % 10_000
  return `GET /v${1 + (number % 3)}/orders HTTP/1.1\r\nHost: api-${number}.example.com\r\n\r\n`
}

/** Opens `count` connections to a port of this machine which together ask `rate` times a second. */
export async function askSteadily(port: number, count: number, rate: number): Promise<SteadyLoad> {
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
      for (let asked = 0; asked < due;) {
        const now = performance.now()
        while (asked < due && start + (asked * 1_000) / rate <= now) {
          ask(start + (asked * 1_000) / rate)
          asked += 1
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
