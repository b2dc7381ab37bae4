import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { Problem } from '../../../lib/problem.ts'
import type { Exchange } from '../../../proxy/exchange.ts'
import type { PluginAnswer, SharedValues } from '../../../proxy/plugin.ts'
import type { Evidence } from '../authenticate.ts'
import { mayBeNotice, openBackChannelLogout } from './back-channel-logout.ts'
import {
  cookiesOf,
  nameOf,
  readChunks,
  writeChunks,
  type CookieOptions,
} from '../../authentication/browser-cookies.ts'
import { nameIn } from '../../../identity/claims.ts'
import type { Client, IssuedTokens } from '../open-client.ts'
import type { Provider } from '../open-provider.ts'
import { unavailable, type Refusals } from '../refusals.ts'
import { openRefreshSession } from './refresh-session.ts'
import { openRevocations } from './revocations.ts'
import { openCookieSeal } from '../../../identity/seal-cookies.ts'
import { evidenceOf, refreshMargin, sessionLifetime, tokensOf, type Session } from './session.ts'
import { makeSessionId, openSessionStorage, type StoredSession } from './session-storage.ts'
import type { Settings } from '../settings.ts'
import { openSignIn, redirectTo } from './sign-in.ts'
import { openTokenMemory, type Made } from '../../authentication/token-memory.ts'

/** People with browsers: they sign in at the provider, and a session keeps their tokens. */
export type BrowserSessions = {
  /** The evidence of an active session. A promise where it has to be looked up. */
  find(exchange: Exchange): Evidence | undefined | Promise<Evidence | undefined>
  /** The answer to a request that is no business of the service: the way back from the provider, or signing out. */
  answer(exchange: Exchange): Promise<PluginAnswer> | undefined
  /** The way to the provider, for requests of pages; undefined for others, which could not follow it. */
  signIn(exchange: Exchange): Promise<PluginAnswer> | undefined
}

export type SessionTools = {
  readonly provider: Provider
  readonly client: Client
  /** Ids of all clients, whose sessions the provider may end. */
  readonly ids: readonly string[]
  readonly clock: Clock
  readonly refusals: Refusals
  readonly log: Log
  readonly values: SharedValues
}

/** Milliseconds after which a worker looks again whether a session was ended or refreshed by another. */
const checkInterval = 1_000

/** While a refresh runs. */
const refreshCheckInterval = 250

/** A session as cached in this worker. */
type Known = StoredSession & { readonly evidence: Evidence }

export function openBrowserSessions(settings: Settings, tools: SessionTools): BrowserSessions {
  const { provider, client, clock, refusals, log, values } = tools
  const { session_cookie_name: cookieName } = settings
  const owner = JSON.stringify([settings.issuer, settings.client_id, settings.session_audience])
  const seal = openCookieSeal(settings.session_secret ?? '', owner)
  const options = cookieOptions(settings)
  const lifetime = sessionLifetime(settings)
  const isInCookie = settings.session_storage === 'cookie'
  const storage = openSessionStorage(seal, values, { isInCookie, clock })
  const revocations = openRevocations(values, clock, lifetime.max)
  const { timeout } = settings
  const refresh = openRefreshSession({ client, storage, values, lifetime, clock, timeout })
  const signIn = openSignIn(settings, { client, clock, refusals, seal })
  const backChannelLogout = openBackChannelLogout(settings, {
    provider,
    clock,
    values,
    revocations,
    ids: tools.ids,
  })
  const known = openTokenMemory<Known | undefined>(clock)
  const evidences = openTokenMemory<Evidence>(clock)

  const cookieIn = (exchange: Exchange): string | undefined =>
    readChunks(cookiesOf(exchange), nameOf(cookieName, exchange, options))
  const setCookie = (exchange: Exchange, value: string, milliseconds: number): void => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000))
    writeChunks(exchange, nameOf(cookieName, exchange, options), value, { seconds, options })
  }
  /** The same object for the same token, because values that are computed once per token are cached by it. */
  const evidenceFor = (session: Session, endsAt: number): Evidence => {
    const key = `${session.id}:${session.generation}`
    const evidence = evidences.get(key) ?? evidenceOf(session)
    evidences.keep(key, { value: evidence, expiresAt: endsAt })
    return evidence
  }
  const withFreshTokens = async (stored: StoredSession): Promise<StoredSession | undefined> => {
    const { session } = stored
    const { expiresAt, refreshToken } = session
    const now = clock.now()
    if (expiresAt === undefined || now < expiresAt - refreshMargin(session)) return stored
    const mayRefresh = settings.refresh_tokens && refreshToken !== undefined
    if (now >= expiresAt) return mayRefresh ? refresh(stored) : undefined
    // A failure is logged where it happens; the old token is still valid.
    if (mayRefresh) refresh(stored).catch(() => undefined)
    return stored
  }
  const touched = async (stored: StoredSession): Promise<StoredSession> => {
    const now = clock.now()
    if (isInCookie && now - stored.session.usedAt < lifetime.touchInterval) return stored
    const session = { ...stored.session, usedAt: now }
    return storage.touch(session, lifetime.left(session, now))
  }
  const isLive = async ({ session }: StoredSession): Promise<boolean> =>
    lifetime.left(session, clock.now()) > 0 && !(await revocations.has(session))
  const lookUp = async (cookie: string): Promise<Made<Known | undefined>> => {
    const none = { value: undefined, expiresAt: 0 }
    const found = await storage.read(cookie)
    if (found === undefined || !(await isLive(found))) return none
    const fresh = await withFreshTokens(found)
    if (fresh === undefined) return none
    const stored = await touched(fresh)
    const { session } = stored
    const now = clock.now()
    const tokenEnd = session.expiresAt ?? Number.POSITIVE_INFINITY
    const sessionEnd = now + lifetime.left(session, now)
    const refreshAt = tokenEnd - refreshMargin(session)
    const checkAt =
      now < refreshAt ? Math.min(now + checkInterval, refreshAt) : now + refreshCheckInterval
    return {
      value: { ...stored, evidence: evidenceFor(session, sessionEnd) },
      expiresAt: Math.min(checkAt, tokenEnd, sessionEnd),
    }
  }
  /** Problems of the provider are logged by the client. */
  const fail = (error: unknown): never => {
    if (error instanceof Problem) throw error
    log.error('openid-connect: sessions unavailable', { error })
    throw unavailable()
  }
  const use = (exchange: Exchange, cookie: string, found: Known | undefined) => {
    if (found === undefined) return undefined
    if (found.cookie !== cookie)
      setCookie(exchange, found.cookie, lifetime.left(found.session, clock.now()))
    return found.evidence
  }
  const open = async (exchange: Exchange, tokens: IssuedTokens): Promise<void> => {
    const now = clock.now()
    const { idClaims = {} } = tokens
    const sid = nameIn(idClaims['sid'])
    const session: Session = {
      // A new one at each sign-in, so that an attacker cannot choose it for a victim (session fixation).
      id: makeSessionId(),
      generation: 0,
      ...tokensOf(tokens, now),
      client: settings.client_id?.[0] ?? '',
      issuer: nameIn(idClaims['iss']) ?? '',
      subject: nameIn(idClaims['sub']) ?? '',
      ...(sid === undefined ? {} : { sid }),
      startedAt: now,
      usedAt: now,
    }
    const left = lifetime.left(session, now)
    const { cookie } = await storage.write(session, left)
    setCookie(exchange, cookie, left)
  }
  const end = async (cookie: string): Promise<Session | undefined> => {
    known.forget(cookie)
    const found = await storage.read(cookie)
    if (found === undefined) return undefined
    await revocations.end(found.session)
    await storage.remove(found.session)
    return found.session
  }
  const revokeTokens = async ({ accessToken, refreshToken }: Session): Promise<void> => {
    const { logout_revoke_access_token: access, logout_revoke_refresh_token: refreshing } = settings
    const revoked = [
      ...(refreshing && refreshToken !== undefined
        ? [client.revoke(refreshToken, 'refresh_token')]
        : []),
      ...(access ? [client.revoke(accessToken, 'access_token')] : []),
    ]
    // A failure is logged by the client; the session here has ended.
    await Promise.allSettled(revoked)
  }
  const signOut = async (exchange: Exchange): Promise<PluginAnswer> => {
    const cookie = cookieIn(exchange)
    setCookie(exchange, '', 0)
    const session = cookie === undefined ? undefined : await end(cookie).catch(fail)
    if (settings.logout_revoke && session !== undefined) await revokeTokens(session)
    const [home] = settings.logout_redirect_uri ?? []
    const url = await client.endSession(session?.idToken, home)
    return redirectTo(url ?? home ?? '/')
  }
  return {
    find(exchange) {
      const cookie = cookieIn(exchange)
      if (cookie === undefined) return undefined
      const found = known.get(cookie)
      if (found !== undefined) return use(exchange, cookie, found)
      return known
        .obtain(cookie, () => lookUp(cookie))
        .then((one) => use(exchange, cookie, one), fail)
    },
    answer(exchange) {
      if (isSignOut(exchange, settings))
        return mayBeNotice(exchange)
          ? backChannelLogout(exchange)
              .catch(fail)
              .then((own) => own ?? signOut(exchange))
          : signOut(exchange)
      return signIn.finish(exchange)?.then(async ({ tokens, location }) => {
        await open(exchange, tokens).catch(fail)
        return redirectTo(location)
      })
    },
    signIn: (exchange) => signIn.begin(exchange),
  }
}

function isSignOut({ request }: Exchange, settings: Settings): boolean {
  const { logout_uri_suffix: suffix, logout_query_arg: argument } = settings
  const isMethod = (settings.logout_methods as readonly string[]).includes(request.method)
  if (!isMethod) return false
  if (suffix !== null && request.path.endsWith(suffix)) return true
  return argument !== null && new URLSearchParams(request.query).has(argument)
}

const cookieOptions = (settings: Settings): CookieOptions => ({
  path: settings.session_cookie_path,
  domain: settings.session_cookie_domain,
  sameSite: settings.session_cookie_same_site,
  httpOnly: settings.session_cookie_http_only,
  secure: settings.session_cookie_secure,
})
