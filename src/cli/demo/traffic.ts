import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { callers, type Call, type Caller } from './callers.ts'
import { openRandom, type Random } from './random.ts'

/** What traffic needs to know. */
export type TrafficOptions = {
  /** Where the gateway listens, for example http://127.0.0.1:8000. */
  readonly proxyUrl: string
  /** Consumer → key; who is not in it sends a key that nobody has. */
  readonly keys: Readonly<Record<string, string>>
  /** The mean of the wave; 25 unless given. */
  readonly ratePerSecond?: number
  readonly signal: AbortSignal
  readonly seed?: number
  /** Told of every answer, and with 0 when there was none. */
  readonly onAnswer?: (status: number, path: string) => void
}

const most = 200

/** Sends steady, varied requests until the signal aborts; an absent gateway is simply tried again. */
export async function startTraffic(options: TrafficOptions): Promise<void> {
  const { ratePerSecond = 25, signal, seed = 11 } = options
  const random = openRandom(seed)
  const agent = new Agent({ connections: 32, pipelining: 1 })
  const underway = new Set<Promise<void>>()
  const began = performance.now()
  while (!signal.aborted) {
    const caller = random.pick(callers)
    const burst = caller.burst ?? 1
    for (let count = 0; count < burst && underway.size < most; count++) {
      const call = random.pick(caller.calls)
      const sent = send({ options, agent, caller, call, random }).finally(() =>
        underway.delete(sent),
      )
      underway.add(sent)
    }
    const rate = ratePerSecond * waveAt(performance.now() - began)
    // Exponential gaps, as of callers who know nothing of each other.
    const gap = (-Math.log(1 - random.next()) * 1000) / rate
    await wait(Math.min(gap, 2000), undefined, { signal }).catch(() => undefined)
  }
  await Promise.allSettled(underway)
  await agent.destroy()
}

/** A day's rise and fall in five minutes, with a shorter wave on it; 1 in the mean, never below 0.4. */
export function waveAt(milliseconds: number): number {
  const turns = (seconds: number): number => (2 * Math.PI * milliseconds) / (seconds * 1000)
  return 1 + 0.4 * Math.sin(turns(300)) + 0.15 * Math.sin(turns(47))
}

type Sending = {
  readonly options: TrafficOptions
  readonly agent: Agent
  readonly caller: Caller
  readonly call: Call
  readonly random: Random
}

async function send({ options, agent, caller, call, random }: Sending): Promise<void> {
  const item = Math.ceil(random.next() ** 2 * 1000)
  const path = call.path.replace('{id}', String(item))
  const hasBody = call.method === 'POST' || call.method === 'PUT'
  try {
    const answer = await request(`${options.proxyUrl}${path}`, {
      dispatcher: agent,
      method: call.method as 'GET',
      headers: headersOf(caller, options.keys, hasBody),
      body: hasBody ? JSON.stringify({ item, note: 'x'.repeat(random.logNormal(200, 1)) }) : null,
      signal: options.signal,
      headersTimeout: 30_000,
    })
    await answer.body.dump({ limit: 4_000_000 })
    options.onAnswer?.(answer.statusCode, path)
  } catch {
    // The gateway restarts, or we are told to stop: the next request shows which.
    options.onAnswer?.(0, path)
  }
}

function headersOf(
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
