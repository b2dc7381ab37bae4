import { hash } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import type { SharedValues } from '../../../proxy/plugin.ts'
import type { Session } from './session.ts'

/** Sessions that ended before their time, by their own id, by that of the provider, or by the person. Kept as long as a session may last. */
export type Revocations = {
  has(session: Session): Promise<boolean>
  end(session: Session): Promise<void>
  /** Ends the sessions of a person that began until now. */
  endSubject(of: Party, subject: string): Promise<void>
  /** Ends the sessions that belong to a session at the provider. */
  endSid(of: Party, sid: string): Promise<void>
}

/** A client of an issuer. */
export type Party = Pick<Session, 'issuer' | 'client'>

/** `milliseconds` is how long a session may last. */
export function openRevocations(
  values: SharedValues,
  clock: Clock,
  milliseconds: number,
): Revocations {
  const mark = (key: string): Promise<void> =>
    values.set(key, String(clock.now()), milliseconds + 60_000)
  return {
    async has(session) {
      const { id, subject, sid, startedAt } = session
      const [own, ofSid, ofSubject] = await Promise.all([
        values.get(keyOf('id', session, id)),
        sid === undefined ? undefined : values.get(keyOf('sid', session, sid)),
        values.get(keyOf('sub', session, subject)),
      ])
      if (own !== undefined || ofSid !== undefined) return true
      return ofSubject !== undefined && startedAt <= Number(ofSubject)
    },
    end: (session) => mark(keyOf('id', session, session.id)),
    endSubject: (of, subject) => mark(keyOf('sub', of, subject)),
    endSid: (of, sid) => mark(keyOf('sid', of, sid)),
  }
}

const keyOf = (kind: 'id' | 'sid' | 'sub', { issuer, client }: Party, value: string): string =>
  `revoked:${kind}:${hash('sha256', JSON.stringify([issuer, client, value]), 'base64url')}`
