import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { ConsumerCaller } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginTools } from '../proxy/plugin.ts'
import { readSmallBody, replaceBody } from '../proxy/small-body.ts'
import {
  addPresentedSecrets,
  addSecretParameters,
  challenge,
  openAuthentication,
} from './authentication/open-authentication.ts'
import { anonymousSetting, realmSetting } from './authentication/settings.ts'
import { keyReaderFor, type KeyedBody } from './key-auth/body-keys.ts'

const identityRealm = z.strictObject({
  scope: z
    .enum(['cp', 'realm'])
    .default('cp')
    .refine((scope) => scope === 'cp', {
      error:
        'identity realms are part of Konnect; consumers of this control plane have the scope cp',
    })
    .describe('Must be cp.'),
  id: z.string().nullable().default(null).describe('Id of a realm in Konnect.'),
  region: z.string().nullable().default(null).describe('Region of a realm in Konnect.'),
})

const settings = z.strictObject({
  key_names: z
    .array(z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'expected a header name' }))
    .min(1)
    .default(['apikey'])
    .describe('Names of the headers and query parameters that may contain the key.'),
  key_in_header: z.boolean().default(true).describe('Read the key from headers.'),
  key_in_query: z.boolean().default(true).describe('Read the key from query parameters.'),
  key_in_body: z
    .boolean()
    .default(false)
    .describe(
      'Read the key from request bodies too: JSON objects, URL-encoded forms and multipart forms of at most 64 KiB.',
    ),
  hide_credentials: z
    .boolean()
    .default(true)
    .describe(
      'Remove the key from the forwarded request, so that the service cannot use it. Kong forwards it by default; false does too.',
    ),
  anonymous: anonymousSetting('a valid key'),
  realm: realmSetting(),
  run_on_preflight: z.boolean().default(true).describe('Authenticate OPTIONS requests too.'),
  identity_realms: z
    .array(identityRealm)
    .default([{ scope: 'cp', id: null, region: null }])
    .describe(
      'Scope of the consumers: the control plane (`cp`). Realms exist in Konnect only and are refused.',
    ),
})

type Settings = z.output<typeof settings>

export const keyAuth = definePlugin({
  name: 'key-auth',
  about: 'Authenticates consumers by an API key in a header, query parameter or body.',
  identifies: true,
  // It determines the consumer.
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings, tools) {
    const names = settings.key_names.map((given) => ({ given, folded: given.toLowerCase() }))
    const authentication = openAuthentication('key-auth', settings.anonymous, tools)
    const authenticate = (exchange: Exchange, body?: Body): void => {
      const keys = findKeys(exchange, names, body, settings)
      const caller = identify(keys, body, { exchange, settings, tools })
      if (caller instanceof Problem) authentication.refuse(exchange, caller)
      else authentication.accept(exchange, { ...caller, identifier: caller.credential })
      if (settings.hide_credentials) hideKeys(exchange, names, body)
    }
    return {
      onRequest(exchange) {
        if (!settings.run_on_preflight && exchange.request.method === 'OPTIONS') return
        addSecretParameters(exchange, settings.key_names)
        if (authentication.isSettled(exchange)) return
        const reading = settings.key_in_body ? readKeys(exchange, names, settings) : undefined
        return reading === undefined
          ? authenticate(exchange)
          : reading.then((body) => authenticate(exchange, body))
      },
    }
  },
})

/** A name of keys as configured, and in lower case. */
type KeyName = { readonly given: string; readonly folded: string }

/** A body that was read; undefined when it cannot have a key. */
type Body = KeyedBody | 'too large' | undefined

/** Reads the body when it can have a key that is needed or must be hidden. As in Kong, a body that is not of its content type has no key. */
function readKeys(
  exchange: Exchange,
  [first]: readonly KeyName[],
  settings: Settings,
): Promise<Body> | undefined {
  const { body, request } = exchange
  const read = keyReaderFor(request.headers.get('content-type') ?? '')
  if (read === undefined || !body.present) return undefined
  const isFound = first !== undefined && keysUnder(first, exchange, settings).length > 0
  if (isFound && !settings.hide_credentials) return undefined
  return readSmallBody(body).then((bytes) => (bytes === undefined ? 'too large' : read(bytes)))
}

type Identification = {
  readonly exchange: Exchange
  readonly settings: Settings
  readonly tools: PluginTools
}

function identify(
  keys: readonly string[],
  body: Body,
  { exchange, settings, tools }: Identification,
): ConsumerCaller | Problem {
  const secrets = keys.filter((key) => key !== '')
  if (secrets.length > 0) addPresentedSecrets(exchange, secrets)
  if (keys.length > 1) throw refusal('key-auth.duplicate', 'Duplicate API key found', settings)
  const [key] = secrets
  const caller = key === undefined ? undefined : tools.findKey(exchange, key)
  if (caller !== undefined) return caller
  if (key === undefined && body === 'too large')
    return new Problem('key-auth.too_large', 413, 'A body with an API key must not exceed 64 KiB')
  return key === undefined
    ? refusal('key-auth.no_key', 'No API key found in request', settings)
    : refusal('key-auth.unknown_key', 'Unauthorized', settings)
}

/** The keys under the first configured name that the request contains. */
function findKeys(
  exchange: Exchange,
  names: readonly KeyName[],
  body: Body,
  settings: Settings,
): readonly string[] {
  for (const name of names) {
    const keys = keysUnder(name, exchange, settings)
    if (keys.length > 0) return keys
    const inBody = typeof body === 'object' ? body.valuesOf(name.given) : []
    if (inBody.length > 0) return inBody
  }
  return []
}

/** The keys under a name in headers, else in the query. */
function keysUnder(
  { folded }: KeyName,
  { request }: Exchange,
  settings: Settings,
): readonly string[] {
  const inHeader = settings.key_in_header ? request.headers.all(folded) : []
  if (inHeader.length > 0 || !settings.key_in_query || request.query === '') return inHeader
  return queryParameters(request.query)
    .filter(([parameter]) => parameter.toLowerCase() === folded)
    .map(([, value]) => value)
}

function hideKeys(
  { forward, body: original }: Exchange,
  names: readonly KeyName[],
  body: Body,
): void {
  if (forward === undefined) return
  for (const { folded } of names) forward.headers.delete(folded)
  if (forward.query !== '') {
    const pairs = forward.query.split('&')
    const kept = pairs.filter((pair) => !isNamed(pair, names))
    if (kept.length < pairs.length) forward.query = kept.join('&')
  }
  if (typeof body !== 'object') return
  const rest = body.without(names.map(({ given }) => given))
  if (rest !== undefined) forward.body = replaceBody(original, rest)
}

/** Whether a pair of a query has one of these names. */
function isNamed(pair: string, names: readonly KeyName[]): boolean {
  const equals = pair.indexOf('=')
  const name = equals < 0 ? pair : pair.slice(0, equals)
  const has = (decoded: string): boolean => {
    const lower = decoded.toLowerCase()
    return names.some(({ folded }) => folded === lower)
  }
  // Parsing costs much more than comparing text that needs no decoding.
  return /^[\w.~-]*$/.test(name)
    ? has(name)
    : queryParameters(pair).some(([parameter]) => has(parameter))
}

const queryParameters = (query: string): [string, string][] => [...new URLSearchParams(query)]

function refusal(
  code: 'key-auth.duplicate' | 'key-auth.no_key' | 'key-auth.unknown_key',
  message: string,
  { realm }: Settings,
): Problem {
  return new Problem(code, 401, message, {
    headers: { 'WWW-Authenticate': challenge('Key', realm) },
  })
}
