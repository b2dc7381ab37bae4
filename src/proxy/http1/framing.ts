import type { Fields } from './parse-fields.ts'

/** A body ends after its length, with its last chunk, or with the connection. */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

const noBody: Framing = { kind: 'length', length: 0 }
const chunked: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'close' }

/** Request framing (RFC 9112 section 6), stricter than required: one Content-Length of digits or one `Transfer-Encoding: chunked`, never both. Undefined for everything that two servers could frame differently (request smuggling). */
export function requestFraming(
  { contentLength, transferEncoding }: Fields,
  minor: number,
): Framing | undefined {
  if (transferEncoding.length > 0) {
    const isChunked =
      transferEncoding.length === 1 && transferEncoding[0]?.toLowerCase() === 'chunked'
    return isChunked && contentLength.length === 0 && minor === 1 ? chunked : undefined
  }
  return contentLength.length === 0 ? noBody : framingOfLength(contentLength)
}

/** Response framing, equally strict. `hasBody` is false for responses to HEAD and for 204 and 304. */
export function responseFraming(
  { contentLength, transferEncoding }: Fields,
  minor: number,
  hasBody: boolean,
): Framing | undefined {
  const isChunked =
    transferEncoding.length === 1 && transferEncoding[0]?.toLowerCase() === 'chunked'
  if (transferEncoding.length > 0 && (!isChunked || contentLength.length > 0 || minor === 0))
    return undefined
  const length = contentLength.length === 0 ? untilClose : framingOfLength(contentLength)
  if (length === undefined || !hasBody) return length && noBody
  return isChunked ? chunked : length
}

function framingOfLength(values: readonly string[]): Framing | undefined {
  const [value = ''] = values
  if (values.length !== 1 || !/^\d{1,15}$/.test(value)) return undefined
  return { kind: 'length', length: Number(value) }
}

/** Whether the connection persists after this message (RFC 9112 section 9.3). */
export function mayKeepAlive({ connection }: Fields, minor: number): boolean {
  if (connection.length === 0) return minor === 1
  const options = connection.join(',').toLowerCase()
  if (options === 'keep-alive') return true
  const tokens = options.split(',').map((token) => token.trim())
  return minor === 1
    ? !tokens.includes('close')
    : tokens.includes('keep-alive') && !tokens.includes('close')
}
