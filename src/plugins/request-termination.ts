import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { definePlugin } from '../proxy/plugin.ts'

const settings = z
  .strictObject({
    status_code: z
      .int()
      .refine((status) => status >= 100 && status <= 599, {
        error: 'value should be between 100 and 599',
      })
      .default(503)
      .describe('Status of the response, 100 to 599.'),
    message: z
      .string()
      .nullable()
      .default(null)
      .describe('Message in the standard JSON body. Exclusive with `body`.'),
    body: z
      .string()
      .nullable()
      .default(null)
      .describe('Raw body of the response. Exclusive with `message`.'),
    content_type: z
      .string()
      .nullable()
      .default(null)
      .describe('Content-Type of `body`. Default: application/json; charset=utf-8.'),
    echo: z
      .boolean()
      .default(false)
      .describe('Answer with a description of the request, for debugging.'),
    trigger: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Terminate only requests with this header or query parameter. All requests when null.',
      ),
  })
  .refine(
    ({ message, body, content_type: type }) => message === null || (body === null && type === null),
    { error: 'message cannot be used with content_type or body', params: { isOfRecord: true } },
  )
  .refine(({ body, content_type: type }) => type === null || body !== null, {
    error: 'content_type requires a body',
    params: { isOfRecord: true },
  })

const acceptedSettings = settings
  .refine(({ echo, body, content_type: type }) => !echo || (body === null && type === null), {
    error: 'echo cannot be used with content_type and body',
    params: { isOfRecord: true },
  })
  .refine(({ trigger }) => trigger === null || /^[\w-]+$/.test(trigger), {
    path: ['trigger'],
    error: "bad header name, allowed characters are A-Z, a-z, 0-9, '_', and '-'",
  })

export const requestTermination = definePlugin({
  name: 'request-termination',
  about: 'Answers requests with a fixed response, without contacting the service.',
  settings,
  acceptedSettings,
  prepare({ status_code: status, message, body, content_type: type, echo, trigger }) {
    const fixed =
      body === null ? undefined : { type: type ?? 'application/json; charset=utf-8', body }
    return {
      onRequest({ request }) {
        const parameters = (): URLSearchParams => new URLSearchParams(request.query)
        if (
          trigger !== null &&
          request.headers.get(trigger.toLowerCase()) === undefined &&
          !parameters().has(trigger)
        )
          return undefined
        const { method, scheme, host, port, path, headers } = request
        const sentence = message ?? STATUS_CODES[status] ?? 'Terminated'
        const refusal =
          status < 400 ? undefined : new Problem('request-termination.ended', status, sentence)
        const content = echo
          ? {
              type: 'application/json; charset=utf-8',
              body: JSON.stringify({
                message,
                request: {
                  method,
                  scheme,
                  host,
                  port,
                  path,
                  query: [...parameters()],
                  headers: headers.flat,
                },
              }),
            }
          : fixed
        return {
          status,
          ...(refusal && { refusal }),
          ...(content === undefined
            ? { message: sentence }
            : { headers: { 'Content-Type': content.type }, body: content.body }),
        }
      },
    }
  },
})
