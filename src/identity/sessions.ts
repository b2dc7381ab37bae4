import type { Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import type { SessionRows, StoredSession } from '../schema/session-rows.ts'
import { hashSecret } from './secret-hash.ts'

/** Owner and client of a new session. */
export type NewSession = {
  readonly principal: string
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
  /** The identity of a provider that signed in, and the session there. */
  readonly identity?: string | undefined
  readonly sid?: string | undefined
}

/** Sessions of the Manager. */
export type Sessions = {
  /** Starts a session and returns its cookie. The session of the former cookie ends. */
  begin(of: NewSession, former: string | undefined): Promise<string>
  /** The session of a cookie, unless it has expired. */
  resume(cookie: string): Promise<StoredSession | undefined>
  end(cookie: string): Promise<void>
  /** Ends all sessions of a principal. */
  endAll(principal: string): Promise<void>
  /** The sessions of a principal that have not expired, newest first. */
  listOf(principal: string): Promise<StoredSession[]>
  /** Ends a session of a principal by its id; false when there is none. */
  endOne(principal: string, id: string): Promise<boolean>
  /** Ends the sessions of an identity, or of a session at the provider, and returns them. */
  endOfProvider(
    of: { readonly identity: string } | { readonly sid: string } | undefined,
  ): Promise<StoredSession[]>
}

/** Idle timeout of a session, in seconds. */
export const sessionSeconds = 12 * 60 * 60

const idleTimeout = sessionSeconds * 1000
const minExtension = 60_000
const maxUserAgent = 300

/** Milliseconds until a session that began at a provider expires, even in use: its roles rest on claims of that age. */
const maxProviderAge = 12 * 60 * 60 * 1000

export function openSessions(rows: SessionRows, clock: Clock): Sessions {
  const isOver = ({ expiresAt, identity, createdAt = 0 }: StoredSession): boolean =>
    expiresAt <= clock.now() ||
    (identity !== undefined && clock.now() - createdAt >= maxProviderAge)
  return {
    async begin({ principal, address = '', userAgent = '', identity, sid }, former) {
      const now = clock.now()
      await rows.removeExpired(now)
      if (former !== undefined) await rows.remove(hashSecret(former))
      const cookie = randomSecret()
      await rows.put({
        sha256: hashSecret(cookie),
        id: randomSecret(16),
        principal,
        expiresAt: now + idleTimeout,
        createdAt: now,
        address,
        userAgent: userAgent.slice(0, maxUserAgent),
        identity,
        sid,
      })
      return cookie
    },
    async resume(cookie) {
      const session = await rows.find(hashSecret(cookie))
      const now = clock.now()
      if (session === undefined || isOver(session)) return undefined
      if (session.expiresAt < now + idleTimeout - minExtension) {
        await rows.put({ ...session, expiresAt: now + idleTimeout })
      }
      return session
    },
    end: (cookie) => rows.remove(hashSecret(cookie)),
    endAll: (principal) => rows.removeOf(principal),
    async listOf(principal) {
      return (await rows.listOf(principal)).filter((session) => !isOver(session))
    },
    endOne: (principal, id) => rows.removeById(principal, id),
    endOfProvider: async (of) => (of === undefined ? [] : rows.removeOfProvider(of)),
  }
}
