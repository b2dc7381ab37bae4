import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'

const bytesIn = { megabytes: 1_048_576, kilobytes: 1024, bytes: 1 } as const

const settings = z.strictObject({
  allowed_payload_size: z.int().default(128).describe('Largest body, in `size_unit`.'),
  size_unit: z
    .enum(['megabytes', 'kilobytes', 'bytes'])
    .default('megabytes')
    .describe('Unit: megabytes (1,048,576 bytes), kilobytes (1024 bytes) or bytes.'),
  require_content_length: z
    .boolean()
    .default(false)
    .describe('Refuse requests without Content-Length, except for chunked ones.'),
})

export const requestSizeLimiting = definePlugin({
  name: 'request-size-limiting',
  about: 'Limits the size of request bodies.',
  settings,
  prepare({ allowed_payload_size: size, size_unit: unit, require_content_length: requiresLength }) {
    const most = size * bytesIn[unit]
    return {
      onRequest(exchange) {
        const { request, body } = exchange
        if (!body.present && request.headers.get('content-length') === undefined) {
          if (requiresLength)
            throw new Problem(
              'request-size-limiting.no_length',
              411,
              'A valid Content-Length header is required',
            )
          return
        }
        if ((body.length ?? body.received) > most) throw refusal(exchange)
        if (body.length !== undefined) return
        body.limitTo?.(most, () => {
          const problem = refusal(exchange)
          exchange.refuse('denied', 'request-size-limiting', problem)
          return problem
        })
      },
    }
  },
})

/** As in Kong, the answer to a client that waits for 100 (Continue) is that the expectation failed. */
function refusal({ request }: Exchange): Problem {
  const waits = request.headers.get('expect')?.trim().toLowerCase() === '100-continue'
  return new Problem('request-size-limiting.size', waits ? 417 : 413, 'Request size limit exceeded')
}
