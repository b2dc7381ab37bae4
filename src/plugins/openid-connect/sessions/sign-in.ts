import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../../lib/clock.ts'
import type { Exchange } from '../../../proxy/exchange.ts'
import type { PluginAnswer } from '../../../proxy/plugin.ts'
import {
  cookiesOf,
  nameOf,
  writeChunks,
  type CookieOptions,
} from '../../authentication/browser-cookies.ts'
import type { Client, IssuedTokens } from '../open-client.ts'
import type { Refusals } from '../refusals.ts'
import type { CookieSeal } from '../../../identity/seal-cookies.ts'
import type { Settings } from '../settings.ts'

/** The authorization code flow. */
export type SignIn = {
  /** The way to the provider, for requests of pages; undefined for others, which could not follow it. */
  begin(exchange: Exchange): Promise<PluginAnswer> | undefined
  /** The tokens that the provider's answer in this request brings, and the way on; undefined for other requests. */
  finish(exchange: Exchange): Promise<Finished> | undefined
}

export type Finished = { readonly tokens: IssuedTokens; readonly location: string }

export type SignInTools = {
  readonly client: Client
  readonly clock: Clock
  readonly refusals: Refusals
  readonly seal: CookieSeal
}

/** Sign-ins at the same time in one browser; the oldest is forgotten. */
const maxSignIns = 12

/** Characters of an address to return to, beyond which it is the first page. */
const maxAddress = 1_024

const begunForm = z.object({
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  startedAt: z.number(),
})

export function openSignIn(
  settings: Settings,
  { client, clock, refusals, seal }: SignInTools,
): SignIn {
  const options = cookieOptions(settings)
  const lifetime = settings.authorization_rolling_timeout
  const redirectUriOf = ({ request }: Exchange): string => {
    const [configured] = settings.redirect_uri ?? []
    const { scheme, host, port, path } = request
    const isDefault = port === (scheme === 'https' ? 443 : 80)
    return configured ?? `${scheme}://${host}${isDefault ? '' : `:${port}`}${path}`
  }
  const cookieOf = (exchange: Exchange, state: string): string =>
    nameOf(`${settings.authorization_cookie_name}_${state}`, exchange, options)
  /** Makes room among the sign-ins that the browser has begun and not ended. Their names begin with the time. */
  const forgetOldest = (exchange: Exchange): void => {
    const prefix = cookieOf(exchange, '')
    const begun = [...cookiesOf(exchange).keys()].filter((name) => name.startsWith(prefix))
    const excess = begun.toSorted().slice(0, Math.max(0, begun.length - maxSignIns + 1))
    for (const name of excess) writeChunks(exchange, name, '', { seconds: 0, options })
  }
  const redeem = async (exchange: Exchange, state: string): Promise<Finished> => {
    const name = cookieOf(exchange, state)
    const text = cookiesOf(exchange).get(name) ?? ''
    writeChunks(exchange, name, '', { seconds: 0, options })
    const begun = begunForm.safeParse(seal.open(text, `sign-in ${state}`)).data
    if (begun === undefined || begun.startedAt + lifetime * 1000 < clock.now())
      throw refusals.unauthorized('sign_in')
    const { nonce, verifier, redirectUri, returnTo } = begun
    const url = new URL(redirectUri)
    url.search = exchange.request.query
    const tokens = await client.redeem(url, { state, nonce, verifier })
    const [configured] = settings.login_redirect_uri ?? []
    const isElsewhere = settings.login_action === 'redirect' && configured !== undefined
    return { tokens, location: isElsewhere ? configured : returnTo }
  }
  return {
    finish(exchange) {
      const state = stateOf(exchange)
      if (state === undefined) return undefined
      const [configured] = settings.redirect_uri ?? []
      const isOurs =
        configured === undefined
          ? cookiesOf(exchange).has(cookieOf(exchange, state))
          : new URL(configured).pathname === exchange.request.path
      return isOurs ? redeem(exchange, state) : undefined
    },
    begin(exchange) {
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
        const value = seal.seal(begun, `sign-in ${state}`)
        writeChunks(exchange, cookieOf(exchange, state), value, { seconds: lifetime, options })
        return { ...redirectTo(url), refusal: refusals.unauthorized('sign_in_needed') }
      })
    },
  }
}

export const redirectTo = (location: string): PluginAnswer => ({
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

/** Address of the requested page. Leading slashes are merged, because `//host` and `/\host` are other hosts. */
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

const cookieOptions = (settings: Settings): CookieOptions => ({
  path: settings.authorization_cookie_path,
  domain: settings.authorization_cookie_domain,
  sameSite: settings.authorization_cookie_same_site,
  httpOnly: settings.authorization_cookie_http_only,
  secure: settings.authorization_cookie_secure,
})
