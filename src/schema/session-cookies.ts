/** The Manager's session cookie, and its name on a connection with TLS: browsers accept `__Host-` only with Secure, Path=/ and without a domain. */
export const sessionCookie = 'weir_session'
export const secureSessionCookie = `__Host-${sessionCookie}`

/** Cookies of sign-ins that were begun at the identity provider; several tabs can begin one each. */
export const pendingCookies: readonly string[] = [0, 1, 2, 3, 4].map(
  (slot) => `${sessionCookie}_pending_${slot}`,
)

/** Cookies of Weir itself, which no service may receive or set, in lower case. */
export const ownCookies: ReadonlySet<string> = new Set(
  [sessionCookie, ...pendingCookies].flatMap((name) => [name, `__host-${name}`]),
)
