import type { Caller, KnownConsumer } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { FieldNames } from '../proxy/field-names.ts'
import { Problem } from '../lib/problem.ts'
import { definePlugin, type PluginTools } from '../proxy/plugin.ts'
import {
  addPresentedSecrets,
  addSecretParameters,
  openAuthentication,
  setCaller,
} from './authentication/open-authentication.ts'
import { findToken, hideToken, readFormToken } from './oauth2-introspection/find-token.ts'
import { openIntrospection, type Claims } from './oauth2-introspection/introspect.ts'
import { settings, type Settings } from './oauth2-introspection/settings.ts'

export const oauth2Introspection = definePlugin({
  name: 'oauth2-introspection',
  about: 'Authenticates callers by access tokens that an authorization server knows (RFC 7662).',
  identifies: true,
  acceptsTokens: true,
  // The consumer is known only after it ran.
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings, tools) {
    const authentication = openAuthentication(method, settings.anonymous, tools)
    const introspection = openIntrospection(settings, tools)
    const headers = openHeaders(settings)
    const accept = (exchange: Exchange, claims: Claims | undefined, token: string): void => {
      if (claims === undefined) return authentication.refuse(exchange, invalid())
      const caller = describeCaller(claims, findConsumer(exchange, claims, settings, tools))
      setCaller(exchange, caller, safe(caller.credential))
      headers.add(exchange, claims)
      if (settings.hide_credentials) hideToken(exchange, token)
    }
    const authenticate = (exchange: Exchange, token: string | undefined): void | Promise<void> => {
      if (token === undefined) return authentication.refuse(exchange, missing())
      addPresentedSecrets(exchange, [token])
      const known = introspection.known(exchange, token)
      if (known !== undefined) return accept(exchange, known.claims, token)
      return introspection
        .ask(exchange, token)
        .then(({ claims }) => accept(exchange, claims, token))
    }
    return {
      onRequest(exchange) {
        headers.remove(exchange)
        if (!settings.run_on_preflight && exchange.request.method === 'OPTIONS') return undefined
        addSecretParameters(exchange, ['access_token'])
        if (authentication.isSettled(exchange)) return undefined
        const token = findToken(exchange)
        if (token !== undefined) return authenticate(exchange, token)
        const reading = readFormToken(exchange)
        return reading === undefined
          ? authenticate(exchange, undefined)
          : reading.then((found) => authenticate(exchange, found))
      },
    }
  },
})

const method = 'oauth2-introspection'

const missing = (): Problem =>
  new Problem('oauth2-introspection.no_token', 401, 'The access token is missing', {
    headers: { 'WWW-Authenticate': 'Bearer realm="service"' },
  })

const invalid = (): Problem =>
  new Problem('oauth2-introspection.inactive', 401, 'The access token is invalid or has expired', {
    headers: { 'WWW-Authenticate': 'Bearer realm="service", error="invalid_token"' },
  })

function findConsumer(
  exchange: Exchange,
  claims: Claims,
  { consumer_by: by }: Settings,
  { findConsumerBy }: Pick<PluginTools, 'findConsumerBy'>,
): KnownConsumer | undefined {
  const name = textIn(claims, by)
  if (name === '') return undefined
  return findConsumerBy(exchange, by === 'username' ? 'username' : 'custom_id', name)
}

/** A token that a client has for itself names the client as its subject, or none (RFC 9068 section 2.2). */
function describeCaller(claims: Claims, consumer: KnownConsumer | undefined): Caller {
  const subject = textIn(claims, 'sub')
  const client = textIn(claims, 'client_id')
  const user = textIn(claims, 'username')
  const isClient = user === '' && client !== '' && (subject === '' || subject === client)
  return {
    kind: consumer !== undefined ? 'consumer' : isClient ? 'service-account' : 'user',
    method,
    credential: user === '' ? client : user,
    consumer,
    identity: {
      subject: subject === '' ? user : subject,
      issuer: textIn(claims, 'iss'),
      scopes: textIn(claims, 'scope').split(' ').filter(Boolean),
      groups: [],
      agent: '',
    },
  }
}

/** Claims that services get, each with its header, as Kong names it. */
const claimHeaders = [
  ['scope', 'X-Credential-Scope'],
  ['client_id', 'X-Credential-Client-ID'],
  ['token_type', 'X-Credential-Token-Type'],
  ['exp', 'X-Credential-Exp'],
  ['iat', 'X-Credential-Iat'],
  ['nbf', 'X-Credential-Nbf'],
  ['sub', 'X-Credential-Sub'],
  ['aud', 'X-Credential-Aud'],
  ['iss', 'X-Credential-Iss'],
  ['jti', 'X-Credential-Jti'],
] as const

/** A client must not be able to set these headers, in any spelling that a server might normalize to them. */
function openHeaders({ custom_claims_forward: custom }: Settings) {
  const pairs = [
    ...claimHeaders,
    ...custom.map((claim) => [claim, `X-Credential-${claim.replaceAll('_', '-')}`] as const),
  ]
  const names = new FieldNames(pairs.map(([, header]) => header.toLowerCase()))
  return {
    remove({ forward }: Exchange): void {
      if (forward === undefined) return
      const { flat } = forward.headers
      for (let at = flat.length - 2; at >= 0; at -= 2)
        if (names.hasFolded(flat[at] as string)) flat.splice(at, 2)
    },
    add({ forward }: Exchange, claims: Claims): void {
      for (const [claim, header] of pairs) {
        const value = safe(textIn(claims, claim))
        if (value !== '') forward?.headers.set(header, value)
      }
    },
  }
}

/** A claim as text; a list is joined by commas. */
function textIn(claims: Claims, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string').join(', ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Claims come from elsewhere; a header has printable ASCII only. */
const safe = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : '')
