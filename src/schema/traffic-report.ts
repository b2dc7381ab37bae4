import { z } from 'zod'
import type { EventRecord } from './event.ts'

/** Upper bounds of the buckets of Kong's histograms, in milliseconds. */
export const latencyBuckets = {
  kong: [1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1_000, 3_000, 6_000],
  upstream: [25, 50, 80, 100, 250, 400, 700, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  request: [25, 50, 80, 100, 250, 400, 700, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
} as const satisfies Readonly<Record<string, readonly number[]>>

export type LatencyName = keyof typeof latencyBuckets

/** Number of observations per bucket, then of larger values, then the sum of all values. */
const histogram = z.array(z.number())

const callerTraffic = z.strictObject({
  /** Id and name, or '' for all consumers. */
  consumer: z.string(),
  name: z.string(),
  /** Triples: status, 1 if the service answered, number of requests. */
  codes: z.array(z.int()),
  ingress: z.number(),
  egress: z.number(),
})

const routeTraffic = z.strictObject({
  workspace: z.string(),
  workspaceName: z.string(),
  /** Id, or '' for a route without a service. */
  service: z.string(),
  serviceName: z.string(),
  route: z.string(),
  routeName: z.string(),
  callers: z.array(callerTraffic),
  latencies: z.partialRecord(z.enum(['kong', 'upstream', 'request']), histogram),
})

/** Measurements of a worker since it started, for routes with the plugin. */
export const trafficReport = z.strictObject({
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  /** Requests that were not measured, because there were too many routes or consumers. */
  unmeasured: z.int(),
  connections: z.strictObject({ accepted: z.int(), open: z.int(), requests: z.int() }),
  routes: z.array(routeTraffic),
})

export type TrafficReport = z.output<typeof trafficReport>
export type RouteTraffic = z.output<typeof routeTraffic>

/** Metrics that are enabled for a route. */
export type Measures = {
  readonly perConsumer: boolean
  readonly statusCodes: boolean
  readonly latencies: boolean
  readonly bandwidth: boolean
}

/** Counts requests for metrics. */
export type TrafficMetrics = {
  /** `serviceName` and `routeName` are labels; sizes are in bytes. */
  observe(
    this: void,
    event: EventRecord,
    measures: Measures,
    names: { readonly serviceName: string; readonly routeName: string },
    ingress: number,
    egress: number,
  ): void
}
