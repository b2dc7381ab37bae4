import http, { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { quantile, rounded } from '../report.ts'

export type TrafficOrder =
  | {
      readonly start: { readonly url: string; readonly connections: number; readonly rate: number }
    }
  | 'lap'

/** Requests since the lap before; times are milliseconds from the time at which a request was due. */
export type TrafficLap = {
  readonly requests: number
  /** Failures, and answers other than 200. */
  readonly errors: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

let latencies: number[] = []
let errors = 0

// An upstream that answers with the path, and a load at a constant rate: requests are due regardless of answers.
const upstream = http.createServer((request, response) => response.end(request.url))
upstream.keepAliveTimeout = 0
upstream.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (upstream.address() as AddressInfo).port }),
)

process.on('message', (order: TrafficOrder) => {
  if (order !== 'lap') return void keepRate(order.start)
  const lap: TrafficLap = {
    requests: latencies.length + errors,
    errors,
    p50: rounded(quantile(latencies, 0.5), 1),
    p99: rounded(quantile(latencies, 0.99), 1),
    max: rounded(quantile(latencies, 1), 1),
  }
  latencies = []
  errors = 0
  process.send?.(lap)
})
process.on('disconnect', () => process.exit(0))

async function keepRate({ url, connections, rate }: Extract<TrafficOrder, object>['start']) {
  // The first in the queue is used next, so that all connections are used.
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' })
  await Promise.all(Array.from({ length: connections }, () => ask(agent, url, performance.now())))
  const startedAt = performance.now()
  for (let sent = 0; ;) {
    for (; startedAt + (sent * 1_000) / rate <= performance.now(); sent += 1)
      void ask(agent, url, startedAt + (sent * 1_000) / rate)
    await new Promise((resolve) => void setTimeout(resolve, 1))
  }
}

function ask(agent: Agent, url: string, dueAt: number): Promise<void> {
  return new Promise((resolve) => {
    const count = (isOk: boolean): void => {
      if (isOk) latencies.push(performance.now() - dueAt)
      else errors += 1
      resolve()
    }
    const request = http.get(url, { agent }, (response) => {
      response.resume().on('close', () => count(response.complete && response.statusCode === 200))
    })
    request.on('error', () => count(false))
  })
}
