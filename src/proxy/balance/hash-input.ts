import { randomUUID } from 'node:crypto'
import { normalizePath } from '../../lib/normalize-path.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import type { Exchange } from '../exchange.ts'
import { readCookie, sessionCookie } from './cookies.ts'

/** What of an exchange decides where it goes; undefined when it lacks that. */
export type HashInput = (exchange: Exchange) => string | undefined

/** The input that an upstream is configured with, then its fallback. */
export function hashInputOf(upstream: UpstreamSettings): HashInput {
  const first = inputFor(upstream.hash_on, {
    ...names(upstream),
    header: upstream.hash_on_header,
    queryArgument: upstream.hash_on_query_arg,
    capture: upstream.hash_on_uri_capture,
  })
  const second = inputFor(upstream.hash_fallback, {
    ...names(upstream),
    header: upstream.hash_fallback_header,
    queryArgument: upstream.hash_fallback_query_arg,
    capture: upstream.hash_fallback_uri_capture,
  })
  return (exchange) => first(exchange) ?? second(exchange)
}

type Names = {
  readonly header: string | null
  readonly queryArgument: string | null
  readonly capture: string | null
  readonly cookie: string
  readonly cookiePath: string
}

const names = ({ hash_on_cookie: cookie, hash_on_cookie_path: cookiePath }: UpstreamSettings) => ({
  cookie: cookie ?? '',
  cookiePath,
})

function inputFor(kind: UpstreamSettings['hash_on'], names: Names): HashInput {
  const header = names.header?.toLowerCase() ?? ''
  switch (kind) {
    case 'none':
      return () => undefined
    case 'consumer':
      return ({ caller }) => caller?.consumer.id
    case 'ip':
      return ({ request }) => request.clientAddress
    case 'path':
      return ({ request }) => normalizePath(request.path)
    case 'header':
      return ({ request }) => filled(request.headers.all(header).join(','))
    case 'cookie':
      return (exchange) => cookieOf(exchange, names)
    case 'query_arg':
      return ({ request }) =>
        filled(new URLSearchParams(request.query).getAll(names.queryArgument ?? '').join(','))
    case 'uri_capture':
      return openCapture(names.capture ?? '')
  }
}

const filled = (text: string): string | undefined => (text === '' ? undefined : text)

/** A client without the cookie is given one, and goes from now on where that leads. */
function cookieOf(exchange: Exchange, { cookie, cookiePath }: Names): string {
  const known = readCookie(exchange.request.headers, cookie)
  if (known !== undefined) return known
  const { upstream } = exchange
  const given = /=([^;]*)/.exec(upstream.cookie)?.[1] ?? randomUUID()
  upstream.cookie = sessionCookie(cookie, given, cookiePath)
  return given
}

/** A group of the regular expression by which the path matched, by name or number. */
function openCapture(group: string): HashInput {
  const number = /^\d+$/.test(group) ? Number(group) : -1
  return ({ captures: { groups, named } }) => filled(named[group] ?? groups[number] ?? '')
}
