/** Somebody who signed in, known by the SHA-256 of a cookie. */
export type KeptSession = {
  readonly sha256: string
  readonly principal: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Where sessions rest. */
export type SessionRows = {
  put(session: KeptSession): Promise<void>
  find(sha256: string): Promise<KeptSession | undefined>
  remove(sha256: string): Promise<void>
  removeOf(principal: string): Promise<void>
  removeExpired(now: number): Promise<void>
}
