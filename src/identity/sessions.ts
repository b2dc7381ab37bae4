import type { Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import type { SessionRows } from '../schema/session-rows.ts'
import { hashSecret } from './secret-hash.ts'

/** People who signed in to the Manager; each session ends twelve hours after its last use. */
export type Sessions = {
  /** Begins a session under a new id and returns the cookie; the one whose cookie is given ends. */
  begin(principal: string, former: string | undefined): Promise<string>
  /** The id of the principal, while the session lasts. */
  resume(cookie: string): Promise<string | undefined>
  end(cookie: string): Promise<void>
  /** Signs a principal out everywhere. */
  endAll(principal: string): Promise<void>
}

/** Seconds a session lasts unused. */
export const sessionSeconds = 12 * 60 * 60

const lasting = sessionSeconds * 1000
const granularity = 60_000

/** Opens the sessions on the rows they rest in. */
export function openSessions(rows: SessionRows, clock: Clock): Sessions {
  return {
    async begin(principal, former) {
      await rows.removeExpired(clock.now())
      if (former !== undefined) await rows.remove(hashSecret(former))
      const cookie = randomSecret()
      await rows.put({ sha256: hashSecret(cookie), principal, expiresAt: clock.now() + lasting })
      return cookie
    },
    async resume(cookie) {
      const session = await rows.find(hashSecret(cookie))
      const now = clock.now()
      if (session === undefined || session.expiresAt <= now) return undefined
      if (session.expiresAt < now + lasting - granularity) {
        await rows.put({ ...session, expiresAt: now + lasting })
      }
      return session.principal
    },
    end: (cookie) => rows.remove(hashSecret(cookie)),
    endAll: (principal) => rows.removeOf(principal),
  }
}
