import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { Evidence } from '../authenticate.ts'
import type { Claims } from '../../../identity/claims.ts'
import type { IssuedTokens } from '../open-client.ts'
import type { Settings } from '../settings.ts'
import { isSignedJwt } from '../../../identity/verify-jwt.ts'

export const sessionForm = z.object({
  id: z.string(),
  /** Grows with each refresh. */
  generation: z.int().min(0),
  accessToken: z.string(),
  idToken: z.string().optional(),
  refreshToken: z.string().optional(),
  /** Id of the client as which the gateway got the tokens. */
  client: z.string(),
  issuer: z.string(),
  subject: z.string(),
  /** The session at the provider. */
  sid: z.string().optional(),
  /** Times are milliseconds since the epoch: of the sign-in, of the last recorded use, of the tokens. */
  startedAt: z.number(),
  usedAt: z.number(),
  issuedAt: z.number(),
  /** Of the access token; absent if unknown. */
  expiresAt: z.number().optional(),
})

/** A person who signed in. */
export type Session = Readonly<z.output<typeof sessionForm>>

/** The tokens of a session as they come from the provider. */
export function tokensOf(tokens: IssuedTokens, now: number) {
  const { accessToken, idToken, refreshToken, expiresIn } = tokens
  const exp = isSignedJwt(accessToken) ? decodeJwt(accessToken).exp : undefined
  const ends = [
    ...(expiresIn === undefined ? [] : [now + Math.max(0, expiresIn) * 1000]),
    ...(typeof exp === 'number' ? [exp * 1000] : []),
  ]
  return {
    accessToken,
    issuedAt: now,
    ...(idToken === undefined ? {} : { idToken }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(ends.length === 0 ? {} : { expiresAt: Math.min(...ends) }),
  }
}

/** The tokens came from the provider itself, and the session from this gateway. */
export function evidenceOf({ accessToken, idToken, refreshToken }: Session): Evidence {
  const sources: Claims[] = [accessToken, idToken ?? ''].flatMap((token) =>
    isSignedJwt(token) ? [decodeJwt(token)] : [],
  )
  return {
    accessToken,
    idToken,
    refreshToken,
    introspection: undefined,
    userInfo: undefined,
    sources,
    keysVersion: undefined,
  }
}

/** Timeouts of sessions, in milliseconds. */
export type SessionLifetime = {
  /** Remaining lifetime of an unused session. */
  left(session: Session, now: number): number
  /** Interval after which a use is recorded. */
  readonly touchInterval: number
  /** From the sign-in. */
  readonly max: number
}

const day = 86_400_000

/** A timeout of 0 is none. */
export function sessionLifetime(settings: Settings): SessionLifetime {
  const milliseconds = (...timeouts: number[]): number =>
    Math.min(30 * day, ...timeouts.filter((seconds) => seconds > 0).map((one) => one * 1000))
  const idle = milliseconds(settings.session_idling_timeout, settings.session_rolling_timeout)
  const max = milliseconds(settings.session_absolute_timeout)
  return {
    left: ({ startedAt, usedAt }, now) => Math.min(usedAt + idle, startedAt + max) - now,
    touchInterval: Math.min(60_000, idle / 10),
    max,
  }
}

/** Milliseconds before the access token expires in which it is refreshed while requests continue with the old one. */
export const refreshMargin = ({ issuedAt, expiresAt = issuedAt }: Session): number =>
  Math.min(30_000, (expiresAt - issuedAt) / 5)
