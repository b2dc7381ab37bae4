import type { Exchange } from '../../proxy/exchange.ts'

export type CookieOptions = {
  readonly path: string
  readonly domain: string | null
  readonly sameSite: 'Default' | 'Lax' | 'None' | 'Strict'
  readonly httpOnly: boolean
  /** For requests by https when null. */
  readonly secure: boolean | null
}

/** Browsers keep 4096 bytes of a cookie, name and attributes among them (RFC 6265 section 6.1). */
const maxChunk = 3_800

/** The cookies of a request by name; of several with a name the first. */
export function cookiesOf({ request }: Exchange): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of request.headers.all('cookie').flatMap((field) => field.split(';'))) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, equals)).trim()
    if (name !== '' && !cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim())
  }
  return cookies
}

/** `__Host-` keeps other hosts and plain connections from setting a cookie. */
export const nameOf = (name: string, exchange: Exchange, options: CookieOptions): string =>
  isSecure(exchange, options) && options.path === '/' && options.domain === null
    ? `__Host-${name}`
    : name

const isSecure = ({ request }: Exchange, { secure }: CookieOptions): boolean =>
  secure ?? request.scheme === 'https'

/** The value of a cookie and its further chunks; undefined when there is none. */
export function readChunks(cookies: ReadonlyMap<string, string>, name: string): string | undefined {
  const first = cookies.get(name)
  if (first === undefined) return undefined
  const parts = [first]
  for (let part = cookies.get(chunkName(name, 1)); part !== undefined;) {
    parts.push(part)
    part = cookies.get(chunkName(name, parts.length))
  }
  return parts.join('')
}

const chunkName = (name: string, index: number): string =>
  index === 0 ? name : `${name}_${index + 1}`

/** Sets a cookie in as many chunks as it needs, and removes the chunks of a longer one before. `seconds` of 0 removes all. */
export function writeChunks(
  exchange: Exchange,
  name: string,
  value: string,
  { seconds, options }: { readonly seconds: number; readonly options: CookieOptions },
): void {
  const present = cookiesOf(exchange)
  const chunks = value.match(new RegExp(`.{1,${maxChunk}}`, 'g')) ?? []
  for (const [index, chunk] of chunks.entries())
    setCookie(exchange, chunkName(name, index), chunk, { seconds, options })
  for (let index = chunks.length; present.has(chunkName(name, index)); index += 1)
    setCookie(exchange, chunkName(name, index), '', { seconds: 0, options })
}

function setCookie(
  exchange: Exchange,
  name: string,
  value: string,
  { seconds, options }: { readonly seconds: number; readonly options: CookieOptions },
): void {
  const { path, domain, sameSite, httpOnly } = options
  const attributes = [
    `${name}=${value}`,
    `Path=${path}`,
    `Max-Age=${seconds}`,
    ...(domain === null ? [] : [`Domain=${domain}`]),
    `SameSite=${sameSite === 'Default' ? 'Lax' : sameSite}`,
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(isSecure(exchange, options) ? ['Secure'] : []),
  ]
  exchange.answerHeaders.add('Set-Cookie', attributes.join('; '))
}

/** Removes the cookies that begin with one of these names from the forwarded request. */
export function hideCookies({ forward }: Exchange, names: readonly string[]): void {
  if (forward === undefined) return
  const { flat } = forward.headers
  for (let at = flat.length - 2; at >= 0; at -= 2) {
    if ((flat[at] as string).toLowerCase() !== 'cookie') continue
    const pairs = (flat[at + 1] as string).split(';')
    const kept = pairs.filter((pair) => {
      const name = (pair.split('=', 1)[0] ?? '').trim().replace(/^__Host-/, '')
      return !names.some((own) => name === own || name.startsWith(`${own}_`))
    })
    if (kept.length === pairs.length) continue
    if (kept.length === 0) flat.splice(at, 2)
    else flat[at + 1] = kept.join(';').trimStart()
  }
}
