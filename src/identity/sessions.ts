import type { Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import type { SessionRows } from '../schema/session-rows.ts'
import { hashSecret } from './secret-hash.ts'

/** Sessions of the Manager. */
export type Sessions = {
  /** Starts a session and returns its cookie. The session of the former cookie ends. */
  begin(principal: string, former: string | undefined): Promise<string>
  /** The id of the principal of a session that has not expired. */
  resume(cookie: string): Promise<string | undefined>
  end(cookie: string): Promise<void>
  /** Ends all sessions of a principal. */
  endAll(principal: string): Promise<void>
}

/** Idle timeout of a session, in seconds. */
export const sessionSeconds = 12 * 60 * 60

const idleTimeout = sessionSeconds * 1000
const minExtension = 60_000

export function openSessions(rows: SessionRows, clock: Clock): Sessions {
  return {
    async begin(principal, former) {
      await rows.removeExpired(clock.now())
      if (former !== undefined) await rows.remove(hashSecret(former))
      const cookie = randomSecret()
      await rows.put({
        sha256: hashSecret(cookie),
        principal,
        expiresAt: clock.now() + idleTimeout,
      })
      return cookie
    },
    async resume(cookie) {
      const session = await rows.find(hashSecret(cookie))
      const now = clock.now()
      if (session === undefined || session.expiresAt <= now) return undefined
      if (session.expiresAt < now + idleTimeout - minExtension) {
        await rows.put({ ...session, expiresAt: now + idleTimeout })
      }
      return session.principal
    },
    end: (cookie) => rows.remove(hashSecret(cookie)),
    endAll: (principal) => rows.removeOf(principal),
  }
}
