import type { JsonLimits } from '../../lib/parse-json.ts'
import { Problem } from '../../lib/problem.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** Bytes of a body, unless its route says otherwise. */
export const bodyBytes = mebibyte

/** Bytes of a declarative document; one with ten thousand routes has several mebibytes. */
export const documentBytes = 32 * mebibyte

/** Values of one entity. Checking 10,000 invalid ones takes about 50 ms. */
const entityValues = 10_000

/** The body of one entity, or of a query. */
export const jsonLimits: JsonLimits = {
  depth: 64,
  values: entityValues,
  members: entityValues,
  characters: bodyBytes,
}

/** A declarative document. Each of its entities is bounded as a body is. */
export const documentLimits: JsonLimits = {
  depth: 64,
  values: 4_000_000,
  members: entityValues,
  characters: 16 * mebibyte,
}

/** Forms. Kong reads 1000 fields. */
export const formLimits = {
  fields: 1000,
  depth: 64,
  urlEncodedBytes: mebibyte,
  /** Bytes of the headers of a part. */
  partHeadBytes: 16 * kibibyte,
}

export function tooLarge(bytes: number): Problem {
  const kibibytes = bytes / kibibyte
  const maxSize = kibibytes < 1024 ? `${kibibytes} KiB` : `${kibibytes / 1024} MiB`
  return new Problem('admin.too_large', 413, `Request body must not exceed ${maxSize}`)
}
