import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../lib/clock.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { PluginAnswer } from '../../proxy/plugin.ts'
import type { Evidence } from './authenticate.ts'
import {
  cookiesOf,
  hideCookies,
  nameOf,
  readChunks,
  writeChunks,
  type CookieOptions,
} from './browser-cookies.ts'
import type { Claims } from '../../identity/claims.ts'
import type { Client, IssuedTokens } from './open-client.ts'
import type { Refusals } from './refusals.ts'
import { openCookieSeal } from './seal-cookies.ts'
import type { Settings } from './settings.ts'
import { openTokenMemory } from './token-memory.ts'
import { isSignedJwt } from '../../identity/verify-jwt.ts'

/** People with browsers: they sign in at the provider, and a cookie keeps their tokens. */
export type BrowserSessions = {
  /** Removes the cookies of the plugin from the forwarded request. */
  hide(exchange: Exchange): void
  /** The evidence of a session that goes on. */
  find(exchange: Exchange): Evidence | undefined
  /** The answer to a request that is no business of the service: the way back from the provider, or signing out. */
  answer(exchange: Exchange): Promise<PluginAnswer> | undefined
  /** The way to the provider, for requests of pages; undefined for others, which could not follow it. */
  signIn(exchange: Exchange): Promise<PluginAnswer> | undefined
}

type Tools = { readonly client: Client; readonly clock: Clock; readonly refusals: Refusals }

/** Sign-ins at the same time in one browser; the oldest is forgotten. */
const maxSignIns = 12

/** Characters of an address to return to, beyond which it is the first page. */
const maxAddress = 1_024

const sessionForm = z.object({
  accessToken: z.string(),
  idToken: z.string().optional(),
  endsAt: z.number(),
})
type Session = z.output<typeof sessionForm>

const signInForm = z.object({
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  startedAt: z.number(),
})

export function openBrowserSessions(
  settings: Settings,
  { client, clock, refusals }: Tools,
): BrowserSessions {
  const { session_cookie_name: sessionName, authorization_cookie_name: signInName } = settings
  const owner = JSON.stringify([settings.issuer, settings.client_id, settings.session_audience])
  const cookies = openCookieSeal(settings.session_secret ?? '', owner)
  const sessionCookie = sessionOptions(settings)
  const signInCookie = signInOptions(settings)
  const known = openTokenMemory<Evidence>(clock)
  const lifetime = lifetimeOf(settings) * 1000
  const signInLifetime = settings.authorization_rolling_timeout

  const read = (exchange: Exchange): { session: Session; text: string } | undefined => {
    const text = readChunks(cookiesOf(exchange), nameOf(sessionName, exchange, sessionCookie))
    if (text === undefined) return undefined
    const session = sessionForm.safeParse(cookies.open(text, 'session')).data
    return session === undefined || session.endsAt <= clock.now() ? undefined : { session, text }
  }
  const open = (exchange: Exchange, tokens: IssuedTokens): void => {
    const { expiresIn = Number.POSITIVE_INFINITY, accessToken, idToken } = tokens
    const milliseconds = Math.min(lifetime, Math.max(0, expiresIn) * 1000)
    const session = { accessToken, idToken, endsAt: clock.now() + milliseconds }
    const value = cookies.seal(session, 'session')
    const seconds = Math.floor(milliseconds / 1000)
    const name = nameOf(sessionName, exchange, sessionCookie)
    writeChunks(exchange, name, value, { seconds, options: sessionCookie })
  }
  const close = (exchange: Exchange): void => {
    const name = nameOf(sessionName, exchange, sessionCookie)
    writeChunks(exchange, name, '', { seconds: 0, options: sessionCookie })
  }
  const redirectUriOf = ({ request }: Exchange): string => {
    const [configured] = settings.redirect_uri ?? []
    const { scheme, host, port, path } = request
    const isDefault = port === (scheme === 'https' ? 443 : 80)
    return configured ?? `${scheme}://${host}${isDefault ? '' : `:${port}`}${path}`
  }
  const cookieOf = (exchange: Exchange, state: string): string =>
    nameOf(`${signInName}_${state}`, exchange, signInCookie)
  /** Makes room among the sign-ins that the browser has begun and not ended. Their names begin with the time. */
  const forgetOldest = (exchange: Exchange): void => {
    const prefix = cookieOf(exchange, '')
    const begun = [...cookiesOf(exchange).keys()].filter((name) => name.startsWith(prefix))
    const excess = begun.toSorted().slice(0, Math.max(0, begun.length - maxSignIns + 1))
    for (const name of excess)
      writeChunks(exchange, name, '', { seconds: 0, options: signInCookie })
  }
  const finish = async (exchange: Exchange, state: string): Promise<PluginAnswer> => {
    const name = cookieOf(exchange, state)
    const text = cookiesOf(exchange).get(name) ?? ''
    writeChunks(exchange, name, '', { seconds: 0, options: signInCookie })
    const begun = signInForm.safeParse(cookies.open(text, `sign-in ${state}`)).data
    if (begun === undefined || begun.startedAt + signInLifetime * 1000 < clock.now())
      throw refusals.unauthorized('sign_in')
    const { nonce, verifier, redirectUri, returnTo } = begun
    const url = new URL(redirectUri)
    url.search = exchange.request.query
    open(exchange, await client.redeem(url, { state, nonce, verifier }))
    const [configured] = settings.login_redirect_uri ?? []
    const isElsewhere = settings.login_action === 'redirect' && configured !== undefined
    return redirectTo(isElsewhere ? configured : returnTo)
  }
  const signOut = async (exchange: Exchange): Promise<PluginAnswer> => {
    const found = read(exchange)
    close(exchange)
    const [home] = settings.logout_redirect_uri ?? []
    const url = await client.endSession(found?.session.idToken, home)
    return redirectTo(url ?? home ?? '/')
  }
  return {
    hide(exchange) {
      hideCookies(exchange, [sessionName, signInName])
    },
    find(exchange) {
      const text = readChunks(cookiesOf(exchange), nameOf(sessionName, exchange, sessionCookie))
      if (text === undefined) return undefined
      const before = known.get(text)
      if (before !== undefined) return before
      const found = read(exchange)
      if (found === undefined) return undefined
      const evidence = evidenceOf(found.session)
      known.keep(text, { value: evidence, expiresAt: found.session.endsAt })
      return evidence
    },
    answer(exchange) {
      if (isSignOut(exchange, settings)) return signOut(exchange)
      const state = stateOf(exchange)
      if (state === undefined) return undefined
      const [configured] = settings.redirect_uri ?? []
      const isOurs =
        configured === undefined
          ? cookiesOf(exchange).has(cookieOf(exchange, state))
          : new URL(configured).pathname === exchange.request.path
      return isOurs ? finish(exchange, state) : undefined
    },
    signIn(exchange) {
      if (!settings.auth_methods.includes('authorization_code') || !isPage(exchange))
        return undefined
      // A browser that keeps no cookies would be sent back and forth.
      if (stateOf(exchange) !== undefined) throw refusals.unauthorized('sign_in')
      forgetOldest(exchange)
      const state = `${clock.now().toString(36)}-${randomBytes(16).toString('base64url')}`
      const redirectUri = redirectUriOf(exchange)
      return client.authorizationUrl(redirectUri, state).then(({ url, nonce, verifier }) => {
        const returnTo = localAddress(exchange)
        const begun = { nonce, verifier, redirectUri, returnTo, startedAt: clock.now() }
        const value = cookies.seal(begun, `sign-in ${state}`)
        const options = { seconds: signInLifetime, options: signInCookie }
        writeChunks(exchange, cookieOf(exchange, state), value, options)
        return { ...redirectTo(url), refusal: refusals.unauthorized('sign_in_needed') }
      })
    },
  }
}

/** Sessions are not extended, so that each of the timeouts counts from the sign-in. */
function lifetimeOf(settings: Settings): number {
  const { session_idling_timeout: idling, session_rolling_timeout: rolling } = settings
  const limits = [idling, rolling, settings.session_absolute_timeout]
  return Math.min(...limits.filter((seconds) => seconds > 0), 30 * 86_400)
}

/** The tokens came from the provider itself, and the cookie from this gateway. */
function evidenceOf({ accessToken, idToken }: Session): Evidence {
  const sources: Claims[] = [accessToken, idToken ?? ''].flatMap((token) =>
    isSignedJwt(token) ? [decodeJwt(token)] : [],
  )
  return {
    accessToken,
    idToken,
    introspection: undefined,
    userInfo: undefined,
    sources,
    keysVersion: undefined,
  }
}

const redirectTo = (location: string): PluginAnswer => ({
  status: 302,
  headers: { Location: location, 'Cache-Control': 'no-store' },
  body: '',
})

/** The state in an answer of the provider. */
function stateOf({ request }: Exchange): string | undefined {
  const query = new URLSearchParams(request.query)
  const state = query.get('state') ?? ''
  return state !== '' && (query.has('code') || query.has('error')) ? state : undefined
}

/** Where the browser was. The slashes at the start are one, because `//host` and `/\host` are other hosts. */
function localAddress({ request: { path, query } }: Exchange): string {
  const local = `/${path.replace(/^[/\\]+/, '')}${query === '' ? '' : `?${query}`}`
  return local.length > maxAddress || /[^\x21-\x7e]/.test(local) ? '/' : local
}

/** Whether the client shows what it receives to a person, and can therefore follow a redirect to another site (Fetch Metadata). */
function isPage({ request: { method, headers, upgrade } }: Exchange): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || upgrade !== '') return false
  const mode = headers.get('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  const isScript = headers.get('x-requested-with') !== undefined
  return !isScript && (headers.get('accept') ?? '').includes('text/html')
}

function isSignOut({ request }: Exchange, settings: Settings): boolean {
  const { logout_uri_suffix: suffix, logout_query_arg: argument } = settings
  const isMethod = (settings.logout_methods as readonly string[]).includes(request.method)
  if (!isMethod) return false
  if (suffix !== null && request.path.endsWith(suffix)) return true
  return argument !== null && new URLSearchParams(request.query).has(argument)
}

const sessionOptions = (settings: Settings): CookieOptions => ({
  path: settings.session_cookie_path,
  domain: settings.session_cookie_domain,
  sameSite: settings.session_cookie_same_site,
  httpOnly: settings.session_cookie_http_only,
  secure: settings.session_cookie_secure,
})

const signInOptions = (settings: Settings): CookieOptions => ({
  path: settings.authorization_cookie_path,
  domain: settings.authorization_cookie_domain,
  sameSite: settings.authorization_cookie_same_site,
  httpOnly: settings.authorization_cookie_http_only,
  secure: settings.authorization_cookie_secure,
})
