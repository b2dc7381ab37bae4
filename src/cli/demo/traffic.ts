import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { callers, type Call, type Caller } from './callers.ts'
import { createRandom, type Random } from './random.ts'

export type TrafficOptions = {
  /** Address of the gateway, for example http://127.0.0.1:8000. */
  readonly proxyUrl: string
  /** API keys by consumer; other consumers send an invalid key. */
  readonly keys: Readonly<Record<string, string>>
  /** Mean rate; 25 by default. */
  readonly ratePerSecond?: number
  readonly signal: AbortSignal
  readonly seed?: number
  /** Called for every response; the status is 0 when there was none. */
  readonly onAnswer?: (status: number, path: string) => void
}

const maxConcurrent = 200

/** Sends varied requests until the signal aborts. Failed requests are ignored. */
export async function startTraffic(options: TrafficOptions): Promise<void> {
  const { ratePerSecond = 25, signal, seed = 11 } = options
  const random = createRandom(seed)
  const agent = new Agent({ connections: 32, pipelining: 1 })
  const pending = new Set<Promise<void>>()
  const start = performance.now()
  while (!signal.aborted) {
    const caller = random.pick(callers)
    const burst = caller.burst ?? 1
    for (let count = 0; count < burst && pending.size < maxConcurrent; count++) {
      const call = random.pick(caller.calls)
      const sent = send({ options, agent, caller, call, random }).finally(() =>
        pending.delete(sent),
      )
      pending.add(sent)
    }
    const rate = ratePerSecond * waveAt(performance.now() - start)
    // Exponential gaps model independent clients.
    const gap = (-Math.log(1 - random.next()) * 1000) / rate
    // Only an abort rejects, and the loop ends by it.
    await wait(Math.min(gap, 2000), undefined, { signal }).catch(() => undefined)
  }
  await Promise.allSettled(pending)
  await agent.destroy()
}

/** A daily load curve compressed to five minutes, with a shorter wave on top; the mean is 1, the minimum above 0.4. */
export function waveAt(milliseconds: number): number {
  const turns = (seconds: number): number => (2 * Math.PI * milliseconds) / (seconds * 1000)
  return 1 + 0.4 * Math.sin(turns(300)) + 0.15 * Math.sin(turns(47))
}

type SendRequest = {
  readonly options: TrafficOptions
  readonly agent: Agent
  readonly caller: Caller
  readonly call: Call
  readonly random: Random
}

async function send({ options, agent, caller, call, random }: SendRequest): Promise<void> {
  const item = Math.ceil(random.next() ** 2 * 1000)
  const path = call.path.replace('{id}', String(item))
  const hasBody = call.method === 'POST' || call.method === 'PUT'
  try {
    const answer = await request(`${options.proxyUrl}${path}`, {
      dispatcher: agent,
      method: call.method as 'GET',
      headers: requestHeaders(caller, options.keys, hasBody),
      body: hasBody ? JSON.stringify({ item, note: 'x'.repeat(random.logNormal(200, 1)) }) : null,
      signal: options.signal,
      headersTimeout: 30_000,
    })
    await answer.body.dump({ limit: 4_000_000 })
    options.onAnswer?.(answer.statusCode, path)
  } catch {
    // The gateway restarts, or the signal aborted.
    options.onAnswer?.(0, path)
  }
}

function requestHeaders(
  caller: Caller,
  keys: TrafficOptions['keys'],
  hasBody: boolean,
): Record<string, string> {
  return {
    'user-agent': caller.userAgent,
    ...(caller.consumer === undefined ? {} : { apikey: keys[caller.consumer] ?? 'demo-key-wrong' }),
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
  }
}
