/** The Manager's session cookie, and its name on a connection with TLS: browsers accept `__Host-` only with Secure, Path=/ and without a domain. */
export const sessionCookie = 'weir_session'
export const secureSessionCookie = `__Host-${sessionCookie}`

/** Cookies of Weir itself, which no service may receive or set, in lower case. */
export const ownCookies: ReadonlySet<string> = new Set([
  sessionCookie,
  secureSessionCookie.toLowerCase(),
])
