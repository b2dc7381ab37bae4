import { z } from 'zod'
import { openCookieSeal } from '../identity/seal-cookies.ts'
import { isRecord } from '../lib/is-record.ts'
import type { Caller } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginAnswer } from '../proxy/plugin.ts'
import { readSmallBody } from '../proxy/small-body.ts'
import {
  cookiesOf,
  hideCookies,
  nameOf,
  readChunks,
  writeChunks,
  type CookieOptions,
} from './authentication/browser-cookies.ts'
import { addPresentedSecrets, setCaller } from './authentication/open-authentication.ts'
import { settings, type Settings } from './session/settings.ts'

/** Contents of a cookie. Times are seconds since the epoch. */
const session = z.object({
  consumer: z.string(),
  credential: z.string(),
  groups: z.array(z.string()),
  startedAt: z.number(),
  issuedAt: z.number(),
  usedAt: z.number(),
})

type Session = z.output<typeof session>

export const sessionPlugin = definePlugin({
  name: 'session',
  about:
    'Keeps consumers signed in by an encrypted cookie, after another plugin has authenticated them.',
  identifies: true,
  // The consumer is known only after it ran.
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings, { clock, workspace, findConsumer }) {
    const seal = openCookieSeal(settings.secret, `session ${workspace}`)
    const purpose = `session ${settings.audience}`
    const options = cookieOptions(settings)
    const opened = new WeakMap<Exchange, Session>()
    const seconds = (): number => Math.floor(clock.now() / 1000)
    const find = (exchange: Exchange): Session | undefined => {
      const text = readChunks(cookiesOf(exchange), nameOf(settings.cookie_name, exchange, options))
      if (text === undefined) return undefined
      addPresentedSecrets(exchange, [text])
      const found = session.safeParse(seal.open(text, purpose)).data
      return found !== undefined && isAlive(found, settings, seconds()) ? found : undefined
    }
    const write = (exchange: Exchange, value: Session | undefined): void =>
      writeChunks(
        exchange,
        nameOf(settings.cookie_name, exchange, options),
        value === undefined ? '' : seal.seal(value, purpose),
        { seconds: value === undefined ? 0 : remaining(value, settings, seconds()), options },
      )
    const signOut = (exchange: Exchange): PluginAnswer => {
      write(exchange, undefined)
      return { status: 200 }
    }
    const signIn = (exchange: Exchange, found: Session): void => {
      const consumer = findConsumer(exchange, found.consumer)
      if (consumer === undefined) return write(exchange, undefined)
      opened.set(exchange, found)
      const { credential, groups } = found
      const caller: Caller = { kind: 'consumer', method: 'session', credential, consumer }
      const identity = { subject: '', issuer: '', scopes: [], groups, agent: '' }
      setCaller(exchange, groups.length === 0 ? caller : { ...caller, identity }, credential)
    }
    return {
      onRequest(exchange) {
        const found = find(exchange)
        hideCookies(exchange, [settings.cookie_name])
        if (found === undefined) return undefined
        const leaves = asksToSignOut(exchange, settings)
        if (leaves === true) return signOut(exchange)
        if (leaves === false) return signIn(exchange, found)
        return leaves.then((does) => (does ? signOut(exchange) : signIn(exchange, found)))
      },
      onResponse(exchange) {
        const { caller } = exchange
        if (caller?.consumer === undefined || caller.method === 'anonymous') return
        const { credential, consumer } = caller
        const known = opened.get(exchange)
        const now = seconds()
        if (known?.consumer === consumer.id && known.credential === credential) {
          const renewed = renew(known, settings, now)
          return renewed === undefined ? undefined : write(exchange, renewed)
        }
        const groups = [...(caller.identity?.groups ?? [])]
        const times = { startedAt: now, issuedAt: now, usedAt: now }
        write(exchange, { consumer: consumer.id, credential, groups, ...times })
      },
    }
  },
})

const cookieOptions = (settings: Settings): CookieOptions => ({
  path: settings.cookie_path,
  domain: settings.cookie_domain,
  sameSite: settings.cookie_same_site,
  httpOnly: settings.cookie_http_only,
  secure: settings.cookie_secure,
})

/** Seconds that are left of a session by the first of its timeouts; 0 disables one. */
function remaining(
  { startedAt, issuedAt, usedAt }: Session,
  { absolute_timeout, rolling_timeout, idling_timeout }: Settings,
  now: number,
): number {
  const ends = [
    [startedAt, absolute_timeout],
    [issuedAt, rolling_timeout],
    [usedAt, idling_timeout],
  ] as const
  const left = ends.map(([from, timeout]) => (timeout === 0 ? Infinity : from + timeout - now))
  return Math.min(...left, maxAge)
}

/** Browsers keep a cookie for at most 400 days (RFC 6265bis section 5.5). */
const maxAge = 400 * 86_400

const isAlive = (found: Session, settings: Settings, now: number): boolean =>
  remaining(found, settings, now) > 0

/** A session that is used goes on: its cookie is renewed once a quarter of the shortest timeout is over. */
function renew(known: Session, settings: Settings, now: number): Session | undefined {
  const timeouts = [settings.idling_timeout, settings.rolling_timeout].filter((one) => one > 0)
  const interval = Math.min(...timeouts) / 4
  if (now - known.usedAt < interval) return undefined
  return { ...known, usedAt: now, issuedAt: now }
}

/** Whether a request signs out: by a query parameter, or by a parameter of its body, which takes time to read. */
function asksToSignOut(exchange: Exchange, settings: Settings): boolean | Promise<boolean> {
  const { request, body } = exchange
  if (!settings.logout_methods.some((method) => method === request.method)) return false
  const { logout_query_arg: query, logout_post_arg: post } = settings
  if (new URLSearchParams(request.query).has(query)) return true
  if (!settings.read_body_for_logout || !body.present) return false
  const type = request.headers.get('content-type') ?? ''
  return readSmallBody(body).then((bytes) => bytes !== undefined && hasParameter(bytes, type, post))
}

function hasParameter(bytes: Buffer, type: string, name: string): boolean {
  if (/^application\/x-www-form-urlencoded\b/i.test(type))
    return new URLSearchParams(String(bytes)).has(name)
  if (!/\bjson\b/i.test(type)) return false
  try {
    const value: unknown = JSON.parse(String(bytes))
    return isRecord(value) && Boolean(value[name])
  } catch {
    return false
  }
}
