import { isRecord } from '../lib/is-record.ts'

/** The claims of a token or of an answer of the provider. */
export type Claims = Readonly<Record<string, unknown>>

/** The value at a path in the first of several sets of claims that has one. */
export function claimAt(sources: readonly Claims[], path: readonly string[]): unknown {
  for (const source of sources) {
    let found: unknown = source
    for (const name of path)
      found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined
    if (found !== undefined && found !== null) return found
  }
  return undefined
}

/** The words of a claim: of a list its texts, of a text the parts between spaces. */
export function wordsOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(/\s+/).filter((word) => word !== '')
  if (Array.isArray(claim)) return claim.filter((entry) => typeof entry === 'string')
  return typeof claim === 'number' || typeof claim === 'boolean' ? [String(claim)] : []
}

/** Whether words satisfy a requirement: each of the words of at least one entry. */
export function satisfies(words: readonly string[], required: readonly string[]): boolean {
  const has = new Set(words)
  return required.some((entry) => wordsOf(entry).every((word) => has.has(word)))
}

/** A claim that names something, as text; undefined for one that does not. */
export const nameIn = (claim: unknown): string | undefined =>
  (typeof claim === 'string' && claim !== '') || typeof claim === 'number'
    ? String(claim)
    : undefined
