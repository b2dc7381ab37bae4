/** Authenticated encryption of stored values. `aad` names where a value is stored: a ciphertext that is moved elsewhere does not decrypt there. */
export type Cipher = {
  seal(clear: string, aad: string): string
  open(sealed: string, aad: string): string
  /** The same for a JSON value. */
  sealValue(clear: unknown, aad: string): unknown
  openValue(sealed: unknown, aad: string): unknown
  sealBytes(clear: Uint8Array, aad: string): Uint8Array
  openBytes(sealed: Uint8Array, aad: string): Uint8Array
  /** A keyed hash: equal for equal texts, and not computable without the key. */
  digest(clear: string): string
}

/** Envelope encryption: data keys are stored wrapped by a key-encryption key. */
export type Keyring = {
  /** A new data key, wrapped. */
  makeDataKey(): string
  /** Unwraps a data key; throws a Problem when another key wrapped it. */
  openDataKey(wrapped: string): Cipher
}
