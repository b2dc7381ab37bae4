import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../lib/clock.ts'
import { Problem } from '../../../lib/problem.ts'
import type { SharedValues } from '../../../proxy/plugin.ts'
import type { Client } from '../open-client.ts'
import { unavailable } from '../refusals.ts'
import { tokensOf, type Session, type SessionLifetime } from './session.ts'
import type { SessionStorage, StoredSession } from './session-storage.ts'

/** Refreshes the tokens of a session once, however many workers and requests need it. */
export type RefreshSession = (stored: StoredSession) => Promise<StoredSession | undefined>

export type RefreshTools = {
  readonly client: Client
  readonly storage: SessionStorage
  readonly values: SharedValues
  readonly lifetime: SessionLifetime
  readonly clock: Clock
  /** Milliseconds that the provider has to answer. */
  readonly timeout: number
}

/** State in the lock of a refresh. */
type Outcome = 'running' | 'refused' | 'failed'

/** Milliseconds between a failure and the next attempt. */
const retryDelay = 2_000

/**
 * A generation of a session has one lock, which whoever gets it holds until it expires: a refresh token that is used twice
 * ends the session at providers that rotate them (RFC 9700 section 4.14.2). Returns undefined when the provider refuses;
 * rejects with a Problem when it does not answer.
 */
export function openRefreshSession(tools: RefreshTools): RefreshSession {
  const { client, storage, values, lifetime, clock, timeout } = tools
  // Discovery may come before the refresh itself.
  const patience = 2 * timeout + 5_000
  const running = new Map<string, Promise<StoredSession | undefined>>()

  const request = async (session: Session, lock: string): Promise<StoredSession | undefined> => {
    const settle = (outcome: Outcome, milliseconds: number): Promise<void> =>
      values.set(lock, outcome, milliseconds)
    try {
      const tokens = await client.refresh(session.refreshToken ?? '')
      const subject = tokens.idClaims?.['sub']
      // OpenID Connect Core section 12.2.
      if (subject !== undefined && subject !== session.subject) {
        await settle('refused', patience)
        return undefined
      }
      const now = clock.now()
      const { expiresAt: _over, ...rest } = session
      const next = {
        ...rest,
        ...tokensOf(tokens, now),
        generation: session.generation + 1,
        usedAt: now,
      }
      return await storage.write(next, lifetime.left(next, now))
    } catch (error) {
      const isRefused = error instanceof Problem && error.status === 401
      await settle(isRefused ? 'refused' : 'failed', isRefused ? patience : retryDelay)
      if (isRefused) return undefined
      throw error
    }
  }
  const refresh = async ({ session, cookie }: StoredSession) => {
    const lock = `refresh:${session.id}:${session.generation}`
    const deadline = performance.now() + patience
    for (let pause = 20; performance.now() < deadline; pause = Math.min(pause * 1.5, 250)) {
      const isMine = await values.add(lock, 'running' satisfies Outcome, patience)
      const newest = await storage.read(cookie)
      if (newest === undefined || newest.session.generation > session.generation) return newest
      if (isMine) return request(session, lock)
      const outcome = (await values.get(lock)) as Outcome | undefined
      if (outcome === 'refused') return undefined
      if (outcome === 'failed') throw unavailable()
      await sleep(pause)
    }
    throw unavailable()
  }
  return (stored) => {
    const { id, generation } = stored.session
    const key = `${id}:${generation}`
    const known = running.get(key) ?? refresh(stored).finally(() => running.delete(key))
    running.set(key, known)
    return known
  }
}
