/** A session, stored by the SHA-256 of its cookie. */
export type StoredSession = {
  readonly sha256: string
  /** Names the session for people; not secret. */
  readonly id: string
  readonly principal: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Milliseconds since the epoch; undefined for sessions from before it was stored. */
  readonly createdAt: number | undefined
  readonly address: string
  readonly userAgent: string
  /** Id of the identity that signed in; undefined for a password. */
  readonly identity: string | undefined
  /** The session at the provider, where it has one. */
  readonly sid: string | undefined
}

export type SessionRows = {
  put(session: StoredSession): Promise<void>
  find(sha256: string): Promise<StoredSession | undefined>
  remove(sha256: string): Promise<void>
  removeOf(principal: string): Promise<void>
  removeExpired(now: number): Promise<void>
  /** The sessions of a principal, newest first. */
  listOf(principal: string): Promise<StoredSession[]>
  /** Ends a session of a principal by its id; false when there is none. */
  removeById(principal: string, id: string): Promise<boolean>
  /** Ends the sessions of an identity or of a session at the provider, and returns them. */
  removeOfProvider(
    of: { readonly identity: string } | { readonly sid: string },
  ): Promise<StoredSession[]>
}
