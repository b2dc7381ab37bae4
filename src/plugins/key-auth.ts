import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Caller, Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginTools } from '../proxy/plugin.ts'

const settings = z.strictObject({
  key_names: z
    .array(z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'expected a header name' }))
    .min(1)
    .default(['apikey'])
    .describe('Headers and query parameters in which to look.'),
  key_in_header: z.boolean().default(true),
  key_in_query: z.boolean().default(true),
  key_in_body: z.literal(false, { error: 'keys in bodies are not supported' }).default(false),
  hide_credentials: z.boolean().default(false).describe('Do not forward the key.'),
  anonymous: z
    .string()
    .nullable()
    .default(null)
    .describe('Id or username of the consumer for callers without a valid key.'),
  realm: z.string().nullable().default(null),
  run_on_preflight: z.boolean().default(true).describe('Also ask OPTIONS requests for a key.'),
})

type Settings = z.output<typeof settings>

/** Knows a consumer by an API key in a header or the query string. */
export const keyAuth = definePlugin({
  name: 'key-auth',
  about: 'Knows a consumer by an API key in a header or the query string.',
  identifies: true,
  settings,
  prepare(settings, tools) {
    const names = settings.key_names.map((name) => name.toLowerCase())
    return {
      onRequest(exchange) {
        if (exchange.caller !== undefined) return
        if (!settings.run_on_preflight && exchange.request.method === 'OPTIONS') return
        exchange.secretParameters =
          exchange.secretParameters === undefined
            ? settings.key_names
            : [...exchange.secretParameters, ...settings.key_names]
        const caller = identify(exchange, names, settings, tools)
        exchange.caller = caller
        setConsumerHeaders(exchange, caller)
        if (settings.hide_credentials) hideKeys(exchange, names)
      },
    }
  },
})

function identify(
  exchange: Exchange,
  names: readonly string[],
  settings: Settings,
  tools: PluginTools,
): Caller {
  const keys = findKeys(exchange, names, settings)
  if (keys.length > 1) throw refusal('key-auth.duplicate', 'Duplicate API key found', settings)
  const [key] = keys
  const caller = key === undefined ? undefined : tools.findKey(key)
  if (caller !== undefined) return caller
  const consumer = settings.anonymous === null ? undefined : tools.findConsumer(settings.anonymous)
  if (consumer !== undefined)
    return { kind: 'consumer', method: 'anonymous', credential: '', consumer }
  throw key === undefined
    ? refusal('key-auth.no_key', 'No API key found in request', settings)
    : refusal('key-auth.unknown_key', 'Unauthorized', settings)
}

/** The keys under the first name that has any. */
function findKeys(
  { request }: Exchange,
  names: readonly string[],
  settings: Settings,
): readonly string[] {
  for (const name of names) {
    const inHeader = settings.key_in_header ? request.headers.all(name) : []
    if (inHeader.length > 0) return inHeader
    if (!settings.key_in_query || request.query === '') continue
    const inQuery = queryParameters(request.query)
      .filter(([parameter]) => parameter.toLowerCase() === name)
      .map(([, value]) => value)
    if (inQuery.length > 0) return inQuery
  }
  return []
}

/** Kong's headers for the service; headers of the client with these names were removed by the router. */
function setConsumerHeaders({ forward }: Exchange, { consumer, credential, method }: Caller): void {
  if (forward === undefined) return
  const { headers } = forward
  headers.add('X-Consumer-ID', consumer.id)
  if (consumer.customId !== null) headers.add('X-Consumer-Custom-ID', consumer.customId)
  headers.add('X-Consumer-Username', consumer.name)
  if (method === 'anonymous') headers.add('X-Anonymous-Consumer', 'true')
  else headers.add('X-Credential-Identifier', credential)
}

function hideKeys({ forward }: Exchange, names: readonly string[]): void {
  if (forward === undefined) return
  for (const name of names) forward.headers.delete(name)
  const pairs = forward.query.split('&')
  const kept = pairs.filter(
    (pair) => !queryParameters(pair).some(([name]) => names.includes(name.toLowerCase())),
  )
  forward.query = kept.join('&')
}

const queryParameters = (query: string): [string, string][] => [...new URLSearchParams(query)]

function refusal(
  code: 'key-auth.duplicate' | 'key-auth.no_key' | 'key-auth.unknown_key',
  message: string,
  { realm }: Settings,
): Problem {
  return new Problem(code, 401, message, {
    headers: {
      'WWW-Authenticate': realm === null ? 'Key' : `Key realm="${realm.replaceAll('"', '')}"`,
    },
  })
}
