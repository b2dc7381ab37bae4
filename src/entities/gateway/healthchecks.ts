import { z } from 'zod'
import { between, host, optional } from '../fields.ts'

/** A record whose absent members take their defaults. */
function record<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const fields = z.strictObject(shape)
  return fields.default(() => fields.parse({}) as never)
}

const seconds = (defaultValue: number) => bounded(65_535).default(defaultValue)

const bounded = (max: number) =>
  z
    .number()
    .refine((value) => value >= 0 && value <= max, {
      error: `value should be between 0 and ${max}`,
    })
    .meta({ between: [0, max] })

/** Consecutive results that change the health of a target; 0 disables the count. */
const count = () => between(0, 255).default(0)

const statuses = (defaultValue: readonly number[]) =>
  z.array(between(100, 999)).default([...defaultValue])

const protocol = () => z.enum(['tcp', 'http', 'https', 'grpc', 'grpcs']).default('http')

const path = () => z.string().startsWith('/', { error: 'should start with: /' })

const active = record({
  type: protocol().describe(
    'Protocol of the probes. tcp, grpc and grpcs only establish a connection.',
  ),
  timeout: seconds(1).describe('Probe timeout in seconds.'),
  concurrency: between(1, 2 ** 31)
    .default(10)
    .describe('Maximum number of concurrent probes.'),
  http_path: path().default('/').describe('Path of HTTP probes.'),
  https_sni: optional(host()).describe(
    'SNI and certificate name of HTTPS probes. Default: the host of the target.',
  ),
  https_verify_certificate: z
    .boolean()
    .default(true)
    .describe('Verify the certificate of the target in HTTPS probes.'),
  headers: optional(z.record(z.string().min(1), z.array(z.string()))).describe(
    'Headers of HTTP probes: name → list of values.',
  ),
  healthy: record({
    interval: seconds(0).describe('Seconds between probes of a healthy target; 0 disables them.'),
    http_statuses: statuses([200, 302]).describe('Statuses that count as success.'),
    successes: count().describe(
      'Consecutive successes that make a target healthy; 0 disables the count.',
    ),
  }),
  unhealthy: record({
    interval: seconds(0).describe(
      'Seconds between probes of an unhealthy target; 0 disables them.',
    ),
    http_statuses: statuses([429, 404, 500, 501, 502, 503, 504, 505]).describe(
      'Statuses that count as failure.',
    ),
    tcp_failures: count().describe(
      'Consecutive TCP failures that make a target unhealthy; 0 disables the count.',
    ),
    timeouts: count().describe(
      'Consecutive timeouts that make a target unhealthy; 0 disables the count.',
    ),
    http_failures: count().describe(
      'Consecutive failure statuses that make a target unhealthy; 0 disables the count.',
    ),
  }),
})

const passive = record({
  type: protocol().describe('Protocol of the observed traffic.'),
  healthy: record({
    http_statuses: statuses([
      200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308,
    ]).describe('Statuses of proxied requests that count as success.'),
    successes: count().describe(
      'Consecutive successes that make a target healthy; 0 disables the count.',
    ),
  }),
  unhealthy: record({
    http_statuses: statuses([429, 500, 503]).describe(
      'Statuses of proxied requests that count as failure.',
    ),
    tcp_failures: count().describe(
      'Consecutive TCP failures that make a target unhealthy; 0 disables the count.',
    ),
    timeouts: count().describe(
      'Consecutive timeouts that make a target unhealthy; 0 disables the count.',
    ),
    http_failures: count().describe(
      'Consecutive failure statuses that make a target unhealthy; 0 disables the count.',
    ),
  }),
})

/** Active checks probe the targets, passive checks observe proxied requests. Both are off unless an interval or a count is set. */
export const healthchecks = record({
  threshold: bounded(100)
    .default(0)
    .describe(
      'Minimum percentage of the total weight that must be healthy; at or below it, the upstream answers 503. 0 disables it.',
    ),
  active,
  passive,
})
