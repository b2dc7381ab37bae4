import { createHash, timingSafeEqual } from 'node:crypto'

/** The stored form of a token or cookie: SHA-256 in hex. Random secrets need no salt, and the timing of a search by hash reveals nothing. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex')

/** Whether a secret matches a stored hash, in constant time. */
export function isSecret(secret: string, stored: string): boolean {
  const hash = Buffer.from(hashSecret(secret))
  const expected = Buffer.from(stored)
  return hash.length === expected.length && timingSafeEqual(hash, expected)
}
