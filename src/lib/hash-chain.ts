import { createHash } from 'node:crypto'
import { canonicalText } from './canonical-text.ts'

/** What comes before the first link of a chain. */
export const beginning = '0'.repeat(64)

/** The SHA-256, in hex, of a link: of everything it says, which includes the hash of the link before it. */
export const hashOfLink = (link: Readonly<Record<string, unknown>>): string =>
  createHash('sha256').update(canonicalText(link)).digest('hex')
