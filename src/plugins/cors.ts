import { z } from 'zod'
import { optional } from '../entities/fields.ts'
import { linearRegex, regexError } from '../lib/linear-regex.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'

const methods = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'POST',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
] as const

const origin = z.string().refine((text) => text === '*' || regexError(text) === undefined, {
  error: ({ input }) => `'${String(input)}' is not a valid regex`,
})

const settings = z.strictObject({
  origins: optional(z.array(origin)).describe(
    'Allowed origins: `*`, origins such as https://shop.example, or regular expressions, which match whole origins, or whole hosts when they have no colon. All when null.',
  ),
  headers: optional(z.array(z.string())).describe(
    'Access-Control-Allow-Headers of preflight responses. Those that the client asks for when null.',
  ),
  exposed_headers: optional(z.array(z.string())).describe('Access-Control-Expose-Headers.'),
  methods: z
    .array(z.enum(methods))
    .nullable()
    .default([...methods])
    .describe('Access-Control-Allow-Methods of preflight responses.'),
  max_age: optional(z.number()).describe('Access-Control-Max-Age, in seconds.'),
  credentials: z.boolean().default(false).describe('Send Access-Control-Allow-Credentials.'),
  private_network: z
    .boolean()
    .default(false)
    .describe('Send Access-Control-Allow-Private-Network to clients that ask for it.'),
  preflight_continue: z
    .boolean()
    .default(false)
    .describe('Let the service answer preflight requests.'),
  allow_origin_absent: z
    .boolean()
    .default(true)
    .describe('Send the headers in responses to requests without Origin too.'),
})

type Settings = z.output<typeof settings>

export const cors = definePlugin({
  name: 'cors',
  about: 'Answers preflight requests, and allows pages of other origins to read responses (CORS).',
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings) {
    const allow = openOrigins(settings)
    const preflights = new WeakSet<Exchange>()
    return {
      onRequest(exchange) {
        const { method, headers } = exchange.request
        if (
          method !== 'OPTIONS' ||
          (headers.get('origin') ?? '') === '' ||
          headers.get('access-control-request-method') === undefined
        )
          return undefined
        preflights.add(exchange)
        if (settings.preflight_continue) return undefined
        addOrigin(exchange, allow, settings)
        addPreflight(exchange, settings)
        return { status: 200, body: '' }
      },
      onResponse(exchange) {
        if (preflights.has(exchange)) return
        const isAbsent = (exchange.request.headers.get('origin') ?? '') === ''
        if (isAbsent && !settings.allow_origin_absent) return
        addOrigin(exchange, allow, settings)
        const { exposed_headers: exposed } = settings
        if (exposed !== null && exposed.length > 0)
          exchange.setAnswerHeader('Access-Control-Expose-Headers', exposed.join(','))
      },
    }
  },
})

type Allowed = {
  /** Value of Access-Control-Allow-Origin; undefined for an origin that is not allowed. */
  readonly origin: string | undefined
  /** Whether it depends on the origin of the request. */
  readonly varies: boolean
}

function openOrigins({ origins }: Settings): (origin: string) => Allowed {
  const everyone: Allowed = { origin: '*', varies: false }
  if (origins === null || origins.length === 0) return () => everyone
  const [only = ''] = origins
  if (origins.length === 1 && only === '*') return () => everyone
  if (origins.length === 1 && isPlain(only)) return () => ({ origin: only, varies: true })
  if (origins.includes('*'))
    return (given) => ({ origin: given === '' ? undefined : '*', varies: true })
  const plain = new Set(origins.filter(isPlain).map((text) => parseOrigin(text).origin))
  const patterns = origins
    .filter((text) => !isPlain(text))
    .map((text) => ({
      // The whole origin: `a|b$` would also match what begins with `a`.
      regex: linearRegex(`(?:${text})$`, { anchored: true }),
      ofHost: !text.includes(':'),
    }))
  return (given) => {
    if (given === '') return { origin: undefined, varies: true }
    const parsed = parseOrigin(given)
    const isAllowed =
      plain.has(parsed.origin) ||
      patterns.some(({ regex, ofHost }) => regex.test(ofHost ? parsed.host : parsed.origin))
    return { origin: isAllowed ? parsed.origin : undefined, varies: true }
  }
}

const isPlain = (text: string): boolean => /^[A-Za-z0-9.:/-]+$/.test(text)

/** An origin without its default port. Other values, such as `null`, are compared literally. */
function parseOrigin(text: string): { readonly origin: string; readonly host: string } {
  const [, scheme = '', host = '', port] =
    /^([A-Za-z][\w+.-]*):\/\/(\[[^\]/]*\]|[^/:?#@]+)(?::(\d+))?/.exec(text) ?? []
  if (host === '') return { origin: text, host: text }
  const isDefault =
    port === undefined ||
    (scheme === 'http' && port === '80') ||
    (scheme === 'https' && port === '443')
  return { origin: `${scheme}://${host}${isDefault ? '' : `:${port}`}`, host }
}

function addOrigin(
  exchange: Exchange,
  allow: (origin: string) => Allowed,
  { credentials }: Settings,
): void {
  const given = exchange.request.headers.get('origin') ?? ''
  const { origin, varies } = allow(given)
  const isReflected = origin === '*' && credentials && given !== ''
  if (varies || isReflected) exchange.answerHeaders.add('Vary', 'Origin')
  const allowed = isReflected ? given : origin
  if (allowed === undefined) exchange.removeAnswerHeader('access-control-allow-origin')
  else exchange.setAnswerHeader('Access-Control-Allow-Origin', allowed)
  if (credentials && allowed !== '*')
    exchange.setAnswerHeader('Access-Control-Allow-Credentials', 'true')
}

function addPreflight(exchange: Exchange, settings: Settings): void {
  const { headers: asked } = exchange.request
  const headers =
    settings.headers !== null && settings.headers.length > 0
      ? settings.headers.join(',')
      : asked.get('access-control-request-headers')
  if (headers !== undefined) exchange.setAnswerHeader('Access-Control-Allow-Headers', headers)
  exchange.setAnswerHeader('Access-Control-Allow-Methods', (settings.methods ?? methods).join(','))
  if (settings.max_age !== null)
    exchange.setAnswerHeader('Access-Control-Max-Age', String(settings.max_age))
  if (settings.private_network && asked.get('access-control-request-private-network') === 'true')
    exchange.setAnswerHeader('Access-Control-Allow-Private-Network', 'true')
}
