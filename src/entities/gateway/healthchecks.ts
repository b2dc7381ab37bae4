import { z } from 'zod'
import { between, host, optional } from '../fields.ts'

/** A record that is at its defaults wherever it is not given. */
function record<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const fields = z.strictObject(shape)
  return fields.default(() => fields.parse({}) as never)
}

const seconds = (usual: number) => bounded(65_535).default(usual)

const bounded = (most: number) =>
  z
    .number()
    .refine((value) => value >= 0 && value <= most, {
      error: `value should be between 0 and ${most}`,
    })
    .meta({ between: [0, most] })

/** How many in a row change the state of a target; 0 counts nothing. */
const count = () => between(0, 255).default(0)

const statuses = (usual: readonly number[]) => z.array(between(100, 999)).default([...usual])

const protocol = () => z.enum(['tcp', 'http', 'https', 'grpc', 'grpcs']).default('http')

const path = () => z.string().startsWith('/', { error: 'should start with: /' })

const active = record({
  type: protocol().describe('How to ask; grpc and grpcs only connect, as tcp does.'),
  timeout: seconds(1).describe('Seconds to wait for a target.'),
  concurrency: between(1, 2 ** 31)
    .default(10)
    .describe('Targets asked at a time.'),
  http_path: path().default('/').describe('Path to ask for.'),
  https_sni: optional(host()).describe('Name to ask for in TLS instead of the target’s.'),
  https_verify_certificate: z.boolean().default(true),
  headers: optional(z.record(z.string().min(1), z.array(z.string()))).describe(
    'Fields to send: name → values.',
  ),
  healthy: record({
    interval: seconds(0).describe('Seconds between two questions to a healthy target; 0 for none.'),
    http_statuses: statuses([200, 302]),
    successes: count().describe('Successes that make a target healthy.'),
  }),
  unhealthy: record({
    interval: seconds(0).describe(
      'Seconds between two questions to an unhealthy target; 0 for none.',
    ),
    http_statuses: statuses([429, 404, 500, 501, 502, 503, 504, 505]),
    tcp_failures: count().describe('Broken connections that make a target unhealthy.'),
    timeouts: count().describe('Timeouts that make a target unhealthy.'),
    http_failures: count().describe('Unhealthy statuses that make a target unhealthy.'),
  }),
})

const passive = record({
  type: protocol(),
  healthy: record({
    http_statuses: statuses([
      200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308,
    ]),
    successes: count(),
  }),
  unhealthy: record({
    http_statuses: statuses([429, 500, 503]),
    tcp_failures: count(),
    timeouts: count(),
    http_failures: count(),
  }),
})

/** How the targets of an upstream are watched: by asking them (active) and by what requests meet with (passive). All of it is off unless an interval or a count is set. */
export const healthchecks = record({
  threshold: bounded(100)
    .default(0)
    .describe('Percentage of weight that must be available, or the whole upstream answers 503.'),
  active,
  passive,
})
