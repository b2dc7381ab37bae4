import type { Clock } from '../../lib/clock.ts'
import type { Claims } from '../../identity/claims.ts'
import type { ExchangeToken } from './exchange-token.ts'
import type { Credentials } from './find-credentials.ts'
import type { Client, IssuedTokens } from './open-client.ts'
import type { Provider } from './open-provider.ts'
import type { Refusals } from './refusals.ts'
import type { Settings } from './settings.ts'
import { openTokenMemory, type Made } from '../authentication/token-memory.ts'
import { isSignedJwt } from '../../identity/verify-jwt.ts'
import type { VerifyToken } from './verify-token.ts'

/** Verified facts about an authenticated caller. The same object for the same token while it is cached. */
export type Evidence = {
  readonly accessToken: string
  readonly idToken: string | undefined
  readonly refreshToken: string | undefined
  readonly introspection: Claims | undefined
  readonly userInfo: Claims | undefined
  /** Sets of claims, in order of precedence. */
  readonly sources: readonly Claims[]
  /** Of the keys by which a token was verified; undefined where the provider itself answered. */
  readonly keysVersion: number | undefined
}

/** Proves who calls. */
export type Authenticator = {
  /** The evidence of a token that was verified before. */
  known(token: string): Evidence | undefined
  /** Rejects with a Problem when the credentials are not valid. */
  authenticate(credentials: Credentials): Promise<Evidence>
}

export type AuthenticatorTools = {
  readonly provider: Provider
  readonly client: Client
  readonly verify: VerifyToken
  readonly exchange: ExchangeToken | undefined
  readonly refusals: Refusals
  readonly clock: Clock
}

/** Bytes of a token, beyond which it is not even read. */
const maxToken = 16_384

export function openAuthenticator(
  settings: Settings,
  { provider, client, verify, exchange, refusals, clock }: AuthenticatorTools,
): Authenticator {
  const methods = new Set<string>(settings.auth_methods)
  const memory = openTokenMemory<Evidence>(clock)
  const lifetime =
    Math.min(settings.cache_ttl, settings.cache_ttl_max ?? Number.POSITIVE_INFINITY) * 1000
  const isCurrent = ({ keysVersion }: Evidence): boolean =>
    keysVersion === undefined || keysVersion === provider.keysVersion()

  /** When claims end, in milliseconds; limited by the lifetime of the cache. */
  const endOf = (claims: Claims): number => {
    const exp = claims['exp']
    const end = typeof exp === 'number' ? (exp + settings.leeway) * 1000 : Number.POSITIVE_INFINITY
    return Math.min(end, clock.now() + lifetime)
  }
  const withUserInfo = async (found: Found): Promise<Made<Evidence>> => {
    const { accessToken, sources } = found
    const searches = settings.search_user_info || settings.upstream_user_info_header !== null
    const userInfo =
      found.userInfo ??
      (searches ? await client.userInfo(accessToken, sources[0]?.['sub']) : undefined)
    const isKept = userInfo === undefined || settings.cache_user_info
    return {
      value: {
        accessToken,
        idToken: found.idToken,
        refreshToken: found.refreshToken,
        introspection: found.introspection,
        userInfo,
        sources: userInfo === undefined ? sources : [...sources, userInfo],
        keysVersion: found.keysVersion,
      },
      expiresAt: isKept ? found.expiresAt : 0,
    }
  }
  const introspect = async (token: string): Promise<Claims> => {
    const answer = await client.introspect(token)
    const { exp, iss } = answer
    const isOver = typeof exp === 'number' && (exp + settings.leeway) * 1000 <= clock.now()
    if (isOver) throw refusals.unauthorized('expired')
    if (typeof iss === 'string' && !(await provider.isAllowed(iss)))
      throw refusals.unauthorized('issuer')
    return answer
  }
  const byKeys = async (token: string): Promise<Found> => {
    const claims = await verify(token)
    const found: Found = {
      accessToken: token,
      sources: [claims],
      keysVersion: provider.keysVersion(),
      expiresAt: endOf(claims),
    }
    const isAsked = settings.introspect_jwt_tokens && methods.has('introspection')
    if (!isAsked) return found
    const introspection = await introspect(token)
    const expiresAt = settings.cache_introspection
      ? Math.min(found.expiresAt, endOf(introspection))
      : 0
    return { ...found, introspection, sources: [claims, introspection], expiresAt }
  }
  const byIntrospection = async (token: string): Promise<Found> => {
    const introspection = await introspect(token)
    const expiresAt = settings.cache_introspection ? endOf(introspection) : 0
    return { accessToken: token, introspection, sources: [introspection], expiresAt }
  }
  const byUserInfo = async (token: string): Promise<Found> => {
    const userInfo = await client.userInfo(token, undefined)
    return { accessToken: token, userInfo, sources: [], expiresAt: clock.now() + lifetime }
  }
  /** An exchanged token does not outlive the one for which it was issued. */
  const byExchange = async (token: string): Promise<Found | undefined> => {
    const exchanged = await exchange?.(token)
    if (exchanged === undefined) return undefined
    const found = await byTokens(exchanged.tokens, '')
    const { enabled = true, ttl } = settings.token_exchange?.cache ?? {}
    const kept = clock.now() + (ttl ?? Number.POSITIVE_INFINITY) * 1000
    const expiresAt = enabled ? Math.min(found.expiresAt, endOf(exchanged.subject), kept) : 0
    return { ...found, expiresAt }
  }
  const byToken = async (token: string): Promise<Found> => {
    if (token.length > maxToken) throw refusals.unauthorized('malformed')
    if (methods.has('bearer') && isSignedJwt(token))
      return (await byExchange(token)) ?? byKeys(token)
    if (methods.has('introspection')) return byIntrospection(token)
    if (methods.has('userinfo')) return byUserInfo(token)
    throw refusals.unauthorized('malformed')
  }
  /** Opaque access tokens are explained by the provider, else by the ID token that came with them. */
  const explain = async (tokens: IssuedTokens, name: string): Promise<Found> => {
    const { accessToken, idToken, refreshToken, idClaims } = tokens
    const issued = { accessToken, idToken, refreshToken }
    const others = idClaims === undefined ? [] : [idClaims]
    if (isSignedJwt(accessToken)) {
      const claims = await verify(accessToken)
      const keysVersion = provider.keysVersion()
      const expiresAt = endOf(claims)
      return { ...issued, sources: [claims, ...others], keysVersion, expiresAt }
    }
    const { introspection_endpoint: endpoint } = await provider.metadata()
    if (endpoint !== undefined && methods.has('introspection')) {
      const introspection = await introspect(accessToken)
      const expiresAt = endOf(introspection)
      return { ...issued, introspection, sources: [introspection, ...others], expiresAt }
    }
    const sources = others.length > 0 ? others : [{ client_id: name }]
    return { ...issued, sources, expiresAt: clock.now() + lifetime }
  }
  const byTokens = async (tokens: IssuedTokens, name: string): Promise<Found> => {
    const found = await explain(tokens, name)
    const seconds = tokens.expiresIn ?? 0
    const isKept = settings.cache_tokens && seconds > 0
    return {
      ...found,
      expiresAt: isKept ? Math.min(found.expiresAt, clock.now() + seconds * 1000) : 0,
    }
  }
  const byGrant = async ({ name, secret, of }: Basic): Promise<Found> =>
    byTokens(
      of === 'client'
        ? await client.clientCredentials(name, secret)
        : await client.password(name, secret),
      name,
    )
  const byRefresh = async (refreshToken: string): Promise<Found> => {
    if (refreshToken.length > maxToken) throw refusals.unauthorized('malformed')
    return byTokens(await client.refresh(refreshToken), '')
  }
  /** A name and a secret may be those of a user or of a client; as in Kong, users come first. */
  const byEither = async (basic: Basic): Promise<Found> => {
    if (basic.of !== 'either') return byGrant(basic)
    try {
      return await byGrant({ ...basic, of: 'user' })
    } catch (error) {
      if ((error as { status?: unknown }).status !== 401) throw error
      return byGrant({ ...basic, of: 'client' })
    }
  }
  const obtain = async (key: string, find: () => Promise<Found>): Promise<Evidence> => {
    const known = memory.get(key)
    if (known !== undefined && isCurrent(known)) return known
    return memory.obtain(key, async () => withUserInfo(await find()))
  }
  return {
    known(token) {
      const found = memory.get(token)
      return found !== undefined && isCurrent(found) ? found : undefined
    },
    async authenticate({ token, refreshToken, basic }) {
      if (token !== undefined) return obtain(token, () => byToken(token))
      if (refreshToken !== undefined)
        return obtain(JSON.stringify(['refresh', refreshToken]), () => byRefresh(refreshToken))
      if (basic === undefined) throw refusals.unauthorized('no_credentials')
      const { of, name, secret } = basic
      return obtain(JSON.stringify([of, name, secret]), () => byEither(basic))
    },
  }
}

type Basic = NonNullable<Credentials['basic']>

type Found = {
  readonly accessToken: string
  readonly idToken?: string | undefined
  readonly refreshToken?: string | undefined
  readonly introspection?: Claims
  readonly userInfo?: Claims
  readonly sources: readonly Claims[]
  readonly keysVersion?: number
  readonly expiresAt: number
}
