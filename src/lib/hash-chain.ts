import { createHash } from 'node:crypto'
import { canonicalText } from './canonical-text.ts'

/** The previous hash of the first record in a chain. */
export const beginning = '0'.repeat(64)

/** The SHA-256, in hex, of a record. The record contains the hash of the record before it. */
export const hashOfLink = (link: Readonly<Record<string, unknown>>): string =>
  createHash('sha256').update(canonicalText(link)).digest('hex')
