import type { Fields } from './parse-fields.ts'

/** How the end of a body is known: by its length, by its last chunk, or by the end of the connection. */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

/** A message without a body. */
export const noBody: Framing = { kind: 'length', length: 0 }
const chunked: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'close' }

/** How a request is framed (RFC 9112 section 6), stricter than it must be: one Content-Length of digits, or one Transfer-Encoding that is `chunked`, never both, never twice; undefined for everything by which two servers could disagree where it ends. */
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

/** How a response is framed, as strictly; `hasBody` is false for answers to HEAD and for 204 and 304, whose fields frame nothing. */
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
  const length = Number(value)
  return length === 0 ? noBody : { kind: 'length', length }
}

/** Whether the connection may serve another message after this one (RFC 9112 section 9.3). */
export function mayKeepAlive({ connection }: Fields, minor: number): boolean {
  if (connection.length === 0) return minor === 1
  const options = connection.join(',').toLowerCase()
  if (options === 'keep-alive') return true
  const tokens = options.split(',').map((token) => token.trim())
  return minor === 1
    ? !tokens.includes('close')
    : tokens.includes('keep-alive') && !tokens.includes('close')
}
