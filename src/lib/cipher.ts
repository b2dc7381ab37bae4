/** Turns what must not rest in clear into what only the holder of a key can read, and back. The place is part of it: what is moved elsewhere cannot be opened there. */
export type Cipher = {
  seal(clear: string, place: string): string
  open(sealed: string, place: string): string
  /** The same for a value of JSON. */
  sealValue(clear: unknown, place: string): unknown
  openValue(sealed: unknown, place: string): unknown
  sealBytes(clear: Uint8Array, place: string): Uint8Array
  openBytes(sealed: Uint8Array, place: string): Uint8Array
  /** A keyed hash: the same for equal texts, and of no use to whoever has no key. */
  digest(clear: string): string
}

/** What makes ciphers out of data keys, which rest wrapped by a key from outside. */
export type Keyring = {
  /** A new data key, wrapped. */
  makeDataKey(): string
  /** The cipher of a data key; throws a Problem when it was wrapped by another key. */
  openDataKey(wrapped: string): Cipher
}
