import { createHash, timingSafeEqual } from 'node:crypto'

/** What is kept of a token or cookie: its SHA-256 in hex. Random secrets need no salt, and a search by hash tells nothing by its timing. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex')

/** Whether a secret is the one whose hash was kept, in time that does not depend on either. */
export function isSecret(secret: string, kept: string): boolean {
  const hash = Buffer.from(hashSecret(secret))
  const expected = Buffer.from(kept)
  return hash.length === expected.length && timingSafeEqual(hash, expected)
}
