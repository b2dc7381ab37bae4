import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import type { SharedValues } from '../../../proxy/plugin.ts'
import type { CookieSeal } from '../../../identity/seal-cookies.ts'
import { sessionForm, type Session } from './session.ts'

/** A session and the value of the cookie for it. */
export type StoredSession = { readonly session: Session; readonly cookie: string }

/** Stores sessions in the cookie, or in the shared values with only their id in the cookie. Rejects while the shared values are unavailable. */
export type SessionStorage = {
  /** Elsewhere a session is forgotten when it was not used for long enough. */
  readonly isInCookie: boolean
  /** The session of a cookie, in its newest generation. */
  read(cookie: string): Promise<StoredSession | undefined>
  /** Stores a session that is new or has new tokens, for some milliseconds. */
  write(session: Session, milliseconds: number): Promise<StoredSession>
  /** Stores that a session was used. */
  touch(session: Session, milliseconds: number): Promise<StoredSession>
  remove(session: Session): Promise<void>
}

export const makeSessionId = (): string => randomBytes(32).toString('base64url')

export function openSessionStorage(
  seal: CookieSeal,
  values: SharedValues,
  { isInCookie, clock }: { readonly isInCookie: boolean; readonly clock: Clock },
): SessionStorage {
  const open = (text: string | undefined): Session | undefined =>
    text === undefined ? undefined : sessionForm.safeParse(seal.open(text, purpose)).data
  const cookieFor = ({ id }: Session, sealed: string): string => (isInCookie ? sealed : id)
  const readStored = async (id: string): Promise<StoredSession | undefined> => {
    const text = await values.get(keyOf(id))
    const session = open(text)
    if (text === undefined || session?.id !== id) return undefined
    if (isInCookie) return { session, cookie: text }
    return { session: { ...session, usedAt: clock.now() }, cookie: id }
  }
  return {
    isInCookie,
    async read(cookie) {
      if (!isInCookie) return cookie.length > maxId ? undefined : readStored(cookie)
      const carried = open(cookie)
      if (carried === undefined) return undefined
      const stored = await readStored(carried.id)
      const isNewer = stored !== undefined && stored.session.generation > carried.generation
      return isNewer ? stored : { session: carried, cookie }
    },
    async write(session, milliseconds) {
      const sealed = seal.seal(session, purpose)
      // Browsers may send the cookie of an earlier generation, whose refresh token is used up.
      if (!isInCookie || session.generation > 0)
        await values.set(keyOf(session.id), sealed, milliseconds)
      return { session, cookie: cookieFor(session, sealed) }
    },
    async touch(session, milliseconds) {
      // The session itself is not written: a refresh at the same time must not be undone.
      await values.extend(keyOf(session.id), milliseconds)
      return { session, cookie: cookieFor(session, isInCookie ? seal.seal(session, purpose) : '') }
    },
    remove: ({ id }) => values.delete(keyOf(id)),
  }
}

const purpose = 'session'
const maxId = 64

/** Hashed, so that the keys do not reveal session ids. */
const keyOf = (id: string): string => `session:${hash('sha256', id, 'base64url')}`
