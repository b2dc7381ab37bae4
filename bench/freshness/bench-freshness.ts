import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { until } from '../../test/harness/until.ts'
import { cores } from '../processes.ts'
import { quantile, rounded, type BenchOptions, type Report } from '../report.ts'
import { startWeir, type Weir } from '../start-weir.ts'
import { watchPaths } from './watch-paths.ts'

const backgroundRate = 50

/** Measures the time from a client's complete response to the push of its row to a subscribed chart. */
export async function benchFreshness({ samples, onProgress }: BenchOptions): Promise<Report> {
  const server = createServer((_, response) => response.end('{"ok":true}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const weir = await startWeir(cores?.subject)
  const stop = new AbortController()
  const agent = new Agent({ connections: 16 })
  try {
    await configure(weir, (server.address() as AddressInfo).port)
    const seen = new Map<string, number>()
    const watching = watchPaths(weir, seen, stop.signal)
    const traffic = sendBackground(weir, agent, stop.signal)
    const answered = await Promise.race([
      sendSamples(weir, agent, { samples, onProgress }),
      watching.then(() => Promise.reject(new Error('The subscription ended.'))),
    ])
    const missing = (): string[] => [...answered.keys()].filter((path) => !seen.has(path))
    await until('the row of every sample', () => missing().length === 0)
    stop.abort()
    await Promise.allSettled([watching, traffic])
    return summarize([...answered].map(([path, at]) => Math.max(0, (seen.get(path) ?? 0) - at)))
  } finally {
    stop.abort()
    await agent.destroy()
    await weir.close()
    server.close()
  }
}

async function configure(weir: Weir, port: number): Promise<void> {
  await weir.admin('PUT', '/services/echo', { host: '127.0.0.1', port })
  const paths = ['/sample', '/background']
  await weir.admin('PUT', '/routes/echo', { service: { name: 'echo' }, paths })
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${weir.proxyUrl}/background`)).status === 200
  await until('the configuration in use', isReady)
}

/** Background load, so that the pipeline is not idle. */
async function sendBackground(weir: Weir, agent: Agent, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    void ask(weir, agent, `/background/${number}`).catch(() => undefined)
    await wait(1000 / backgroundRate, undefined, { signal }).catch(() => undefined)
  }
}

/** The completion time of each response by path. */
async function sendSamples(
  weir: Weir,
  agent: Agent,
  { samples, onProgress }: Pick<BenchOptions, 'samples' | 'onProgress'>,
): Promise<Map<string, number>> {
  const answered = new Map<string, number>()
  for (let number = 1; number <= samples; number++) {
    // Random intervals, so that samples do not align with internal timers.
    await wait(60 + Math.random() * 120)
    const path = `/sample/${number}`
    await ask(weir, agent, path)
    answered.set(path, performance.now())
    if (number % 50 === 0) onProgress(`${number} of ${samples} samples`)
  }
  return answered
}

async function ask(weir: Weir, agent: Agent, path: string): Promise<void> {
  const { body, statusCode } = await request(`${weir.proxyUrl}${path}`, { dispatcher: agent })
  await body.dump()
  if (statusCode !== 200) throw new Error(`${path} was answered ${statusCode}`)
}

function summarize(delays: readonly number[]): Report {
  const row = {
    case: `${backgroundRate} requests a second beside`,
    subject: 'weir',
    samples: delays.length,
    p50_ms: rounded(quantile(delays, 0.5)),
    p90_ms: rounded(quantile(delays, 0.9)),
    p99_ms: rounded(quantile(delays, 0.99)),
    max_ms: rounded(Math.max(...delays)),
  }
  const note =
    'From the last byte of a response at its client to the row in a message of POST /api/analytics/subscribe.'
  return { rows: [row], notes: [note] }
}
