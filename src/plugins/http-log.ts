import { z } from 'zod'
import { optional } from '../entities/fields.ts'
import { referenceable } from '../entities/referenceable-fields.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { customFieldsByLua, headerName, httpUrl, milliseconds } from './logs/log-settings.ts'
import { openLogExport } from './logs/open-log-export.ts'
import { queueSettings } from './logs/queue-settings.ts'

const forbidden = ['Host', 'Content-Length', 'Content-Type'] as const

const settings = z.strictObject({
  http_endpoint: referenceable(httpUrl()).describe(
    'URL that receives the entries. User name and password in it are sent as basic authentication.',
  ),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('Method of the requests.'),
  content_type: z
    .enum(['application/json', 'application/json; charset=utf-8'])
    .default('application/json')
    .describe('Content-Type of the requests.'),
  timeout: milliseconds(10_000).describe('Timeout of a request, in milliseconds.'),
  keepalive: milliseconds(60_000).describe('Idle timeout of a connection, in milliseconds.'),
  headers: optional(
    z.record(
      headerName().superRefine((name, context) => {
        const found = forbidden.find((one) => one.toLowerCase() === name.toLowerCase())
        if (found !== undefined)
          context.addIssue({ code: 'custom', message: `cannot contain '${found}' header` })
      }),
      referenceable(z.string()),
    ),
  ).describe('Headers of the requests.'),
  queue: queueSettings(1).describe('Batching, retries and limits of the queue.'),
  custom_fields_by_lua: customFieldsByLua(),
})

const acceptedSettings = settings.superRefine(({ http_endpoint: url, headers }, context) => {
  const hasUser = URL.canParse(url) && new URL(url).username !== ''
  const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase())
  if (hasUser && names.includes('authorization'))
    context.addIssue({
      code: 'custom',
      path: [],
      message:
        "specifying both an 'Authorization' header and user info in 'http_endpoint' is not allowed",
      params: { isOfRecord: true },
    })
})

export const httpLog = definePlugin({
  name: 'http-log',
  about: 'Sends an entry for each request to an HTTP server, in Kong’s JSON.',
  settings,
  acceptedSettings,
  prepare(
    { http_endpoint: url, method, content_type: type, timeout, keepalive, headers, queue },
    tools,
  ) {
    const isSingle = queue.max_batch_size === 1
    return openLogExport(tools, {
      target: {
        kind: 'http',
        url,
        method,
        headers: { ...headers, 'Content-Type': type },
        timeout,
        keepalive,
      },
      queue,
      encode: (lines) => (isSingle ? lines.join() : `[${lines.join()}]`),
    })
  },
})
