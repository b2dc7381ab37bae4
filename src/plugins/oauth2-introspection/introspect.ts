import { isRecord } from '../../lib/is-record.ts'
import { Problem } from '../../lib/problem.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { PluginTools } from '../../proxy/plugin.ts'
import { openTokenMemory, type Made } from '../authentication/token-memory.ts'
import type { Settings } from './settings.ts'

export type Claims = Readonly<Record<string, unknown>>

/** Answer about a token; without claims it is not valid. */
type Finding = { readonly claims: Claims | undefined }

export type Introspection = {
  /** An earlier answer that still holds. */
  known(exchange: Exchange, token: string): Finding | undefined
  /** Throws a Problem when the server does not answer as it should. */
  ask(exchange: Exchange, token: string): Promise<Finding>
}

/** Seconds for which an invalid token is remembered. */
const refusedFor = 5

/** Requests that present the same token meanwhile wait for one answer. */
export function openIntrospection(
  settings: Settings,
  { clock, http, log }: Pick<PluginTools, 'clock' | 'http' | 'log'>,
): Introspection {
  const valid = openTokenMemory<Finding>(clock)
  // Apart, so that guesses do not displace valid tokens.
  const refused = openTokenMemory<Finding>(clock)
  const pending = openTokenMemory<Finding>(clock)
  const keyOf = ({ request }: Exchange, token: string): string =>
    settings.introspect_request ? `${request.method} ${request.path} ${token}` : token

  const request = async (exchange: Exchange, token: string): Promise<Finding> => {
    const response = await http(settings.introspection_url, {
      headers: headersFor(exchange, settings),
      body: Buffer.from(
        new URLSearchParams({
          token,
          ...(settings.token_type_hint === null
            ? {}
            : { token_type_hint: settings.token_type_hint }),
        }).toString(),
      ),
      timeout: settings.timeout,
      verifiesTls: true,
    })
    if (response.status !== 200) throw new Error(`the answer has the status ${response.status}`)
    const answer: unknown = await response.json()
    if (!isRecord(answer)) throw new Error('the answer is no JSON object')
    return { claims: isActive(answer, clock.now() / 1000) ? answer : undefined }
  }
  return {
    known(exchange, token) {
      const key = keyOf(exchange, token)
      const found = valid.get(key) ?? refused.get(key)
      if (found?.claims === undefined) return found
      return isActive(found.claims, clock.now() / 1000) ? found : { claims: undefined }
    },
    ask(exchange, token) {
      const key = keyOf(exchange, token)
      return pending.obtain(key, async () => {
        const value = await request(exchange, token).catch((error: unknown) => {
          log.warn('oauth2-introspection: introspection failed', { error })
          throw unavailable()
        })
        const made = { value, expiresAt: expiryOf(value, settings, clock.now()) }
        ;(value.claims === undefined ? refused : valid).keep(key, made)
        // The promise alone is shared; the answer is in one of the two others.
        return { value, expiresAt: 0 } satisfies Made<Finding>
      })
    },
  }
}

const unavailable = (): Problem =>
  new Problem('oauth2-introspection.unavailable', 503, 'The authorization server is unavailable')

/** In milliseconds since the epoch; never after the token itself. */
function expiryOf({ claims }: Finding, { ttl }: Settings, now: number): number {
  if (claims === undefined) return now + refusedFor * 1000
  const { exp } = claims
  const end = typeof exp === 'number' ? exp * 1000 : undefined
  if (ttl === 0) return end ?? now
  return Math.min(end ?? Infinity, now + ttl * 1000)
}

function isActive({ active, exp, nbf }: Claims, now: number): boolean {
  if (active !== true) return false
  return !(typeof exp === 'number' && exp <= now) && !(typeof nbf === 'number' && nbf > now)
}

const headersFor = ({ request }: Exchange, settings: Settings): Record<string, string> => ({
  ...settings.custom_introspection_headers,
  'content-type': 'application/x-www-form-urlencoded',
  accept: 'application/json',
  authorization: settings.authorization_value,
  ...(settings.introspect_request
    ? { 'x-request-path': request.path, 'x-request-http-method': request.method }
    : {}),
})
