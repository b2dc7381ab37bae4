import { z } from 'zod'
import { between, optional } from '../../entities/fields.ts'

/** Clients fill the defaults of records that have any. */
const record = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ isFilled: true })

export const settings = z.strictObject({
  response_code: z
    .array(between(100, 900))
    .min(1)
    .default([200, 301, 404])
    .describe('Statuses of responses that are cached.'),
  request_method: z
    .array(z.enum(['HEAD', 'GET', 'POST', 'PATCH', 'PUT']))
    .default(['GET', 'HEAD'])
    .describe(
      'Methods of requests whose responses are cached. The body of a request is a part of the key.',
    ),
  content_type: z
    .array(z.string())
    .default(['text/plain', 'application/json'])
    .describe(
      'Media types of responses that are cached: the same type, subtype and parameters, where the type or subtype may be `*`.',
    ),
  cache_ttl: z
    .int()
    .gt(0, { error: 'value must be greater than 0' })
    .default(300)
    .describe('Seconds that a response is fresh, unless `cache_control` decides it.'),
  strategy: z
    .enum(['memory'])
    .describe('Where responses are stored: in the memory of each worker.'),
  cache_control: z
    .boolean()
    .default(false)
    .describe('Respect Cache-Control of requests and responses (RFC 9111).'),
  ignore_uri_case: z
    .boolean()
    .nullable()
    .default(false)
    .describe('Use paths in lower case for the key.'),
  storage_ttl: optional(z.int()).describe(
    'Seconds that a response is stored, also when it is no longer fresh.',
  ),
  memory: record({
    dictionary_name: z
      .string()
      .default('kong_db_cache')
      .describe('Accepted for Kong; there are no shared dictionaries.'),
  }).describe('Settings of the strategy memory.'),
  vary_query_params: optional(z.array(z.string())).describe(
    'Query parameters that are a part of the key; all of them when null or empty.',
  ),
  vary_headers: optional(z.array(z.string())).describe(
    'Headers that are a part of the key, beside those that `Vary` of a response names.',
  ),
  response_headers: record({
    age: z.boolean().default(true).describe('Send Age with cached responses.'),
    'X-Cache-Status': z
      .boolean()
      .default(true)
      .describe('Send X-Cache-Status: Hit, Miss, Refresh or Bypass.'),
    'X-Cache-Key': z.boolean().default(true).describe('Send X-Cache-Key.'),
  }).describe('Headers about the cache.'),
})

export type Settings = z.output<typeof settings>
