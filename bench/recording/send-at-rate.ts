import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** Number of sent requests, and completion times of sampled responses by `performance.now`. */
export type Sent = {
  readonly sent: number
  readonly answered: number
  readonly samples: ReadonlyMap<string, number>
}

/** Paths that repeat, as those of real callers do. */
const paths = Array.from({ length: 200 }, (_, number) => `/sample-free/${number}`)

/** Sends requests at a rate regardless of the responses; about ten a second are samples with a path of their own. */
export async function sendAtRate(url: string, rate: number, seconds: number): Promise<Sent> {
  const connections = await Promise.all(
    Array.from({ length: Math.min(64, Math.max(2, rate / 50)) }, () => open(new URL(url))),
  )
  const samples = new Map<string, number>()
  const stamp = Math.round(performance.now())
  let sent = 0
  let nextSample = 0
  const startedAt = performance.now()
  for (let passed = 0; passed < seconds; passed = (performance.now() - startedAt) / 1_000) {
    for (; sent < passed * rate; sent += 1) {
      const connection = connections[sent % connections.length] as Connection
      const isSample = passed >= nextSample
      if (isSample) nextSample = passed + 0.1
      const path = isSample ? `/sample/${stamp}-${sent}` : (paths[sent % paths.length] as string)
      connection.send(path, isSample ? () => samples.set(path, performance.now()) : undefined)
    }
    await wait(2)
  }
  const answered = (): number => connections.reduce((sum, one) => sum + one.answered, 0)
  for (let tries = 0; answered() < sent && tries < 200; tries += 1) await wait(50)
  for (const { socket } of connections) socket.destroy()
  return { sent, answered: answered(), samples }
}

type Connection = {
  readonly socket: Socket
  answered: number
  send(path: string, onAnswered: (() => void) | undefined): void
}

/** A connection with pipelined requests, whose responses are counted by their status lines. */
async function open({ hostname, port }: URL): Promise<Connection> {
  const socket = net.connect(Number(port), hostname).setNoDelay()
  await once(socket, 'connect')
  const listeners: ((() => void) | undefined)[] = []
  const connection: Connection = {
    socket,
    answered: 0,
    send(path, onAnswered) {
      listeners.push(onAnswered)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: */*\r\n\r\n`,
      )
    },
  }
  let rest = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('latin1')).split('HTTP/1.1 ')
    rest = (parts.at(-1) ?? '').slice(-8)
    for (let count = 1; count < parts.length; count += 1) {
      connection.answered += 1
      listeners.shift()?.()
    }
  })
  return connection
}
