import http, { Agent } from 'node:http'

/** What became of a load. */
export type Outcome = {
  readonly offered: number
  /** Answers of status 200, in milliseconds. */
  readonly served: readonly number[]
  /** Answers of status 503, in milliseconds. */
  readonly refused: readonly number[]
  /** Requests that their clients gave up, or that broke. */
  readonly lost: number
}

/** Connections of all clients, made beforehand. */
const connections = 1_000
/** How long a client waits for an answer. */
export const clientPatience = 1_000

/** Offers `rate` requests a second for so many seconds, however they fare: an open loop, as the world is. */
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

/** How many requests a second are served when each client asks again only after its answer. */
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

/** The status of an answer; 0 when there was none in time. */
function statusOf(port: number, agent: Agent, patience = clientPatience): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get({ agent, port, host: '127.0.0.1' })
    const late = setTimeout(() => request.destroy(), patience)
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
