import http, { Agent } from 'node:http'

export type Outcome = {
  readonly offered: number
  /** Latencies of responses with status 200, in milliseconds. */
  readonly served: readonly number[]
  /** Latencies of responses with status 503, in milliseconds. */
  readonly refused: readonly number[]
  /** Requests that timed out or failed. */
  readonly lost: number
}

/** Connections, opened in advance. */
const connections = 1_000
/** Client timeout in milliseconds. */
export const clientTimeout = 1_000

/** Sends `rate` requests a second regardless of responses: an open loop. */
export async function offerLoad(port: number, rate: number, seconds: number): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  await Promise.all(Array.from({ length: connections }, () => statusOf(port, agent, 30_000)))
  const served: number[] = []
  const refused: number[] = []
  const pending: Promise<void>[] = []
  let lost = 0
  const ask = async (): Promise<void> => {
    const startedAt = performance.now()
    const status = await statusOf(port, agent)
    const taken = performance.now() - startedAt
    if (status === 200) served.push(taken)
    else if (status === 503) refused.push(taken)
    else lost += 1
  }
  const startedAt = performance.now()
  for (let passed = 0; passed < seconds; passed = (performance.now() - startedAt) / 1_000) {
    while (pending.length < passed * rate) pending.push(ask())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(pending)
  agent.destroy()
  return { offered: pending.length, served, refused, lost }
}

/** Measures the closed-loop throughput. */
export async function measureCapacity(port: number, seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const until = performance.now() + seconds * 1_000
  let served = 0
  const client = async (): Promise<void> => {
    while (performance.now() < until) if ((await statusOf(port, agent)) === 200) served += 1
  }
  await Promise.all(Array.from({ length: 64 }, client))
  agent.destroy()
  return served / seconds
}

/** 0 when no response arrived in time. */
function statusOf(port: number, agent: Agent, timeout = clientTimeout): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get({ agent, port, host: '127.0.0.1' })
    const late = setTimeout(() => request.destroy(), timeout)
    request.on('response', (response) => {
      response.resume().on('close', () => {
        clearTimeout(late)
        resolve(response.complete ? (response.statusCode ?? 0) : 0)
      })
    })
    request.on('error', () => {
      clearTimeout(late)
      resolve(0)
    })
  })
}
