/** A credential without its secret. Times are seconds since the epoch. */
export type CredentialLine = {
  readonly id: string
  /** For example `key-auth`. */
  readonly kind: string
  /** Username, key or subject; null where that is the secret. */
  readonly name: string | null
  readonly consumer: { readonly id: string; readonly name: string | null }
  readonly created_at: number
  /** When its secret was set. */
  readonly issued_at: number
  /** Seconds since then. */
  readonly age: number
  /** Null for never. */
  readonly expires_at: number | null
  readonly is_expired: boolean
  /** Until when the secret before the last rotation is valid; null when it is not. */
  readonly previous_expires_at: number | null
  /** ISO 8601 time of the newest recorded request that the reader may see; null for none. */
  readonly last_used_at: string | null
}

/** Response of GET /credentials. */
export type CredentialReport = {
  readonly data: readonly CredentialLine[]
  /** Of the next page; null on the last one. */
  readonly offset: string | null
  /** Whether `last_used_at` is known to the reader, and of which requests. */
  readonly last_use: { readonly is_known: boolean; readonly statement: string }
}
