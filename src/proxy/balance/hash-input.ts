import { randomUUID } from 'node:crypto'
import { normalizePath } from '../../lib/normalize-path.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Exchange } from '../exchange.ts'
import { readCookie, sessionCookie } from './cookies.ts'

/** The value that is hashed; undefined when the request does not have it. */
export type HashInput = (exchange: Exchange) => string | undefined

/** `hash_on`, then `hash_fallback`. */
export function hashInputOf(upstream: UpstreamSettings): HashInput {
  const first = inputFor(upstream.hash_on, {
    ...settingsOf(upstream),
    header: upstream.hash_on_header,
    queryArgument: upstream.hash_on_query_arg,
    capture: upstream.hash_on_uri_capture,
  })
  const second = inputFor(upstream.hash_fallback, {
    ...settingsOf(upstream),
    header: upstream.hash_fallback_header,
    queryArgument: upstream.hash_fallback_query_arg,
    capture: upstream.hash_fallback_uri_capture,
  })
  return (exchange) => first(exchange) ?? second(exchange)
}

type InputSettings = {
  readonly header: string | null
  readonly queryArgument: string | null
  readonly capture: string | null
  readonly cookie: string
  readonly cookiePath: string
}

const settingsOf = ({
  hash_on_cookie: cookie,
  hash_on_cookie_path: cookiePath,
}: UpstreamSettings) => ({
  cookie: cookie ?? '',
  cookiePath,
})

function inputFor(kind: UpstreamSettings['hash_on'], settings: InputSettings): HashInput {
  const header = settings.header?.toLowerCase() ?? ''
  switch (kind) {
    case 'none':
      return () => undefined
    case 'consumer':
      return ({ caller }) => caller?.consumer?.id
    case 'ip':
      return ({ request }) => request.clientAddress
    case 'path':
      return ({ request }) => normalizePath(request.path)
    case 'header':
      return ({ request }) => filled(request.headers.all(header).join(','))
    case 'cookie':
      return (exchange) => cookieOf(exchange, settings)
    case 'query_arg':
      return ({ request }) =>
        filled(new URLSearchParams(request.query).getAll(settings.queryArgument ?? '').join(','))
    case 'uri_capture':
      return openCapture(settings.capture ?? '')
  }
}

const filled = (text: string): string | undefined => (text === '' ? undefined : text)

/** A client without the cookie gets one with a new value, which is hashed at once. */
function cookieOf(exchange: Exchange, { cookie, cookiePath }: InputSettings): string {
  const known = readCookie(exchange.request.headers, cookie)
  if (known !== undefined) return known
  const { upstream } = exchange
  const given = /=([^;]*)/.exec(upstream.cookie)?.[1] ?? randomUUID()
  upstream.cookie = sessionCookie(cookie, given, cookiePath)
  return given
}

/** A capture group of the route's path expression, by name or number. */
function openCapture(group: string): HashInput {
  const number = /^\d+$/.test(group) ? Number(group) : -1
  return ({ captures: { groups, named } }) => filled(named[group] ?? groups[number] ?? '')
}
