/** A signed-in principal, keyed by the SHA-256 of the session cookie. */
export type KeptSession = {
  readonly sha256: string
  readonly principal: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The table of sessions. */
export type SessionRows = {
  put(session: KeptSession): Promise<void>
  find(sha256: string): Promise<KeptSession | undefined>
  remove(sha256: string): Promise<void>
  removeOf(principal: string): Promise<void>
  removeExpired(now: number): Promise<void>
}
