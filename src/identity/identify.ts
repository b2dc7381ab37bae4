/** The headers of a request, names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Who asks, and how they proved it. */
export type Identified = { readonly principal: string; readonly by: 'token' | 'session' }

/** How secrets lead to principals. */
export type Finders = {
  /** The id of the enabled principal whose valid token this is. */
  ofToken(token: string): Promise<string | undefined>
  /** The id of the enabled principal who signed in with this cookie. */
  ofCookie(cookie: string): Promise<string | undefined>
}

/** The cookie of the Manager. */
export const sessionCookie = 'weir_session'

/** Who asks: by `Kong-Admin-Token`, else by a bearer token, else by the session cookie; a token that is given but not valid is not rescued by a cookie. */
export async function identify(
  headers: Headers,
  finders: Finders,
): Promise<Identified | undefined> {
  const token = tokenIn(headers)
  if (token !== undefined) {
    const principal = await finders.ofToken(token)
    return principal === undefined ? undefined : { principal, by: 'token' }
  }
  const cookie = cookieIn(headers)
  const principal = cookie === undefined ? undefined : await finders.ofCookie(cookie)
  return principal === undefined ? undefined : { principal, by: 'session' }
}

/** The value of the session cookie. */
export function cookieIn(headers: Headers): string | undefined {
  for (const pair of String(headers['cookie'] ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=', 2)
    if (name === sessionCookie) return value
  }
  return undefined
}

function tokenIn(headers: Headers): string | undefined {
  const kong = headers['kong-admin-token']
  if (kong !== undefined) return String(kong)
  const authorization = headers['authorization']
  if (authorization === undefined) return undefined
  return /^bearer +(\S+)$/i.exec(String(authorization))?.[1] ?? ''
}
