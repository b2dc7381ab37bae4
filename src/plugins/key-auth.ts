import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { Caller, Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginTools } from '../proxy/plugin.ts'

const settings = z.strictObject({
  key_names: z
    .array(z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'expected a header name' }))
    .min(1)
    .default(['apikey'])
    .describe('Names of the headers and query parameters that may contain the key.'),
  key_in_header: z.boolean().default(true).describe('Read the key from headers.'),
  key_in_query: z.boolean().default(true).describe('Read the key from query parameters.'),
  key_in_body: z
    .literal(false, { error: 'keys in bodies are not supported' })
    .default(false)
    .describe('Not supported; must be false.'),
  hide_credentials: z
    .boolean()
    .default(true)
    .describe(
      'Remove the key from the forwarded request, so that the service cannot use it. Kong forwards it by default; false does too.',
    ),
  anonymous: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Id or username of the consumer for requests without a valid key. Such requests are answered 401 when null.',
    ),
  realm: z
    .string()
    .nullable()
    .default(null)
    .describe('Realm of the WWW-Authenticate header of 401 responses.'),
  run_on_preflight: z.boolean().default(true).describe('Authenticate OPTIONS requests too.'),
})

type Settings = z.output<typeof settings>

export const keyAuth = definePlugin({
  name: 'key-auth',
  about: 'Authenticates consumers by an API key in a header or query parameter.',
  identifies: true,
  // The consumer is known only after it ran.
  withoutScopes: ['consumer', 'consumer_group'],
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
  if (keys.length > 0) exchange.presentedSecrets = [...(exchange.presentedSecrets ?? []), ...keys]
  if (keys.length > 1) throw refusal('key-auth.duplicate', 'Duplicate API key found', settings)
  const [key] = keys
  const caller = key === undefined ? undefined : tools.findKey(exchange, key)
  if (caller !== undefined) return caller
  const consumer =
    settings.anonymous === null ? undefined : tools.findConsumer(exchange, settings.anonymous)
  if (consumer !== undefined)
    return { kind: 'consumer', method: 'anonymous', credential: '', consumer }
  throw key === undefined
    ? refusal('key-auth.no_key', 'No API key found in request', settings)
    : refusal('key-auth.unknown_key', 'Unauthorized', settings)
}

/** The keys under the first configured name that the request contains. */
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

/** Sets Kong's consumer headers for the service. The router has removed headers of these names sent by the client. */
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
