import type { HeaderList } from '../../proxy/header-list.ts'

/** The directives of Cache-Control by name, in lower case; those without an argument have ''. */
export type Directives = ReadonlyMap<string, string>

const none: Directives = new Map()

/** The directives of a message. */
export function readDirectives(headers: HeaderList): Directives {
  const values = headers.all('cache-control')
  if (values.length === 0) return none
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain] of values
    .join(',')
    .matchAll(/([^\s,;="]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?/g))
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), quoted ?? plain ?? '')
  return found
}

/** The seconds of a directive; undefined when it is absent, and 0 when it is no number (RFC 9111 section 4.2.1). */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const text = directives.get(name)
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}

/** Seconds that a response is fresh from its creation (RFC 9111 section 4.2.1): `s-maxage`, `max-age` or Expires; 0 without any. */
export function lifetimeOf(directives: Directives, headers: HeaderList, now: number): number {
  const age = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age')
  if (age !== undefined) return age
  const expires = Date.parse(headers.get('expires') ?? '')
  const date = Date.parse(headers.get('date') ?? '')
  const seconds = (expires - (Number.isNaN(date) ? now : date)) / 1000
  return Number.isNaN(seconds) ? 0 : Math.max(0, seconds)
}
