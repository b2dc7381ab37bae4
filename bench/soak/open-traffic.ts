import net from 'node:net'
import { Agent, request } from 'undici'

/** Results by lane. */
export type Lane = { readonly path: string; complete: number; broken: number }

export type Traffic = {
  readonly lanes: readonly Lane[]
  /** Responses by status. */
  readonly statuses: ReadonlyMap<number, number>
  /** Times of responses with status 500 or above, in milliseconds of `performance.now`. */
  readonly failures: readonly number[]
  /** Connections that clients reset. */
  readonly resets: number
  /** Stops sending and waits for requests in flight. */
  stop(): Promise<void>
}

const kinds = ['small', 'small', 'small', 'small', 'large', 'slow']
const clientsOfLane = 6

/** Starts closed-loop clients, and others that reset their connections during a response. */
export function openTraffic(url: string, lanes: number): Traffic {
  const agent = new Agent({ connections: lanes * clientsOfLane, pipelining: 1 })
  const stopping = new AbortController()
  const statuses = new Map<number, number>()
  const failures: number[] = []
  const counted: Lane[] = Array.from({ length: lanes }, (_, at) => ({
    path: `/soak/${at}/`,
    complete: 0,
    broken: 0,
  }))
  let resets = 0

  const ask = async (lane: Lane): Promise<void> => {
    const kind = kinds[Math.floor(Math.random() * kinds.length)] ?? 'small'
    try {
      const answer = await request(`${url}${lane.path}${kind}`, { dispatcher: agent })
      await answer.body.dump({ limit: 1_000_000 })
      lane.complete += 1
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
      if (answer.statusCode >= 500) failures.push(performance.now())
    } catch {
      lane.broken += 1
    }
  }
  const client = async (lane: Lane): Promise<void> => {
    while (!stopping.signal.aborted) await ask(lane)
  }
  const resetConnections = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await resetOnce(new URL(url))
      resets += 1
    }
  }
  const running = [
    ...counted.flatMap((lane) => Array.from({ length: clientsOfLane }, () => client(lane))),
    resetConnections(),
    resetConnections(),
  ]
  return {
    lanes: counted,
    statuses,
    failures,
    get resets() {
      return resets
    },
    async stop() {
      stopping.abort()
      await Promise.all(running)
      await agent.destroy()
    },
  }
}

/** Requests a large response and resets the connection after a moment. */
function resetOnce({ hostname, port }: URL): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.write('GET /reset/large HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3))
    setTimeout(() => socket.resetAndDestroy(), 5 + Math.random() * 40)
  })
}
