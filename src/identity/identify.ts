import { secureSessionCookie, sessionCookie } from '../schema/session-cookies.ts'

/** The headers of a request, names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** An authenticated principal, and its authentication method. */
export type Identified = { readonly principal: string; readonly by: 'token' | 'session' }

/** Finds principals by credentials. */
export type CredentialLookup = {
  /** The id of the enabled principal with this valid token. */
  findByToken(token: string): Promise<string | undefined>
  /** The id of the enabled principal of this session. */
  findByCookie(cookie: string): Promise<string | undefined>
}

/** Authenticates by `Kong-Admin-Token`, a bearer token or the session cookie, in this order. After an invalid token, the cookie is not tried. */
export async function identify(
  headers: Headers,
  lookup: CredentialLookup,
): Promise<Identified | undefined> {
  const token = tokenIn(headers)
  if (token !== undefined) {
    const principal = await lookup.findByToken(token)
    return principal === undefined ? undefined : { principal, by: 'token' }
  }
  const cookie = cookieIn(headers)
  const principal = cookie === undefined ? undefined : await lookup.findByCookie(cookie)
  return principal === undefined ? undefined : { principal, by: 'session' }
}

/** The value of the session cookie. The one that was set with TLS takes precedence, because nothing without TLS can set it. */
export function cookieIn(headers: Headers): string | undefined {
  const cookies = readCookies(headers)
  return cookies.get(secureSessionCookie) ?? cookies.get(sessionCookie)
}

/** The cookies of a request by name; the first one counts. */
export function readCookies(headers: Headers): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of String(headers['cookie'] ?? '').split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2)
    if (!cookies.has(name)) cookies.set(name, value)
  }
  return cookies
}

function tokenIn(headers: Headers): string | undefined {
  const kong = headers['kong-admin-token']
  if (kong !== undefined) return String(kong)
  const authorization = headers['authorization']
  if (authorization === undefined) return undefined
  return /^bearer +(\S+)$/i.exec(String(authorization))?.[1] ?? ''
}
