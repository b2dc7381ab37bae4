/** A session, stored by the SHA-256 of its cookie. */
export type StoredSession = {
  readonly sha256: string
  readonly principal: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type SessionRows = {
  put(session: StoredSession): Promise<void>
  find(sha256: string): Promise<StoredSession | undefined>
  remove(sha256: string): Promise<void>
  removeOf(principal: string): Promise<void>
  removeExpired(now: number): Promise<void>
}
