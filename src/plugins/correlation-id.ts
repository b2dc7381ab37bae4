import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { z } from 'zod'
import { definePlugin } from '../proxy/plugin.ts'
import type { Exchange } from '../proxy/exchange.ts'

const settings = z.strictObject({
  header_name: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'expected a header name' })
    .default('Kong-Request-ID')
    .describe('Header of the id.'),
  generator: z
    .enum(['uuid', 'uuid#counter', 'tracker'])
    .default('uuid#counter')
    .describe(
      'Format of generated ids: uuid (a UUID), uuid#counter (the UUID of the worker and a counter) or tracker (host name, port, process id, counter and time).',
    ),
  echo_downstream: z.boolean().default(false).describe('Send the header in the response too.'),
})

export const correlationId = definePlugin({
  name: 'correlation-id',
  about:
    'Adds an id header to requests that do not have one, so that they can be traced across services.',
  settings,
  prepare({ header_name: header, generator, echo_downstream: echo }) {
    const name = header.toLowerCase()
    const generate = generators[generator]()
    const ids = new WeakMap<Exchange, string>()
    return {
      onRequest(exchange) {
        const given = exchange.request.headers.get(name)
        const id = given === undefined || given.trim() === '' ? generate(exchange) : given
        exchange.forward?.headers.set(header, id)
        exchange.logValues = { ...exchange.logValues, correlation_id: id }
        if (echo) ids.set(exchange, id)
      },
      onResponse(exchange) {
        const id = ids.get(exchange)
        if (id !== undefined) exchange.answerHeaders.set(header, id)
      },
    }
  },
})

const generators: Readonly<
  Record<z.output<typeof settings>['generator'], () => (exchange: Exchange) => string>
> = {
  uuid: () => () => randomUUID(),
  'uuid#counter': () => {
    const worker = randomUUID()
    let counter = 0
    return () => `${worker}#${(counter += 1)}`
  },
  tracker: () => {
    let counter = 0
    return ({ request, startedAt }) =>
      `${hostname()}-${request.port}-${process.pid}-${(counter += 1)}-${(startedAt / 1e6).toFixed(3)}`
  },
}
