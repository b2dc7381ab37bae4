import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RequestHead } from '../../proxy/exchange.ts'

/** Algorithms of HTTP signatures (draft-cavage-http-signatures), by Kong's names. */
export const algorithms = ['hmac-sha1', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const

export type Signature = {
  readonly username: string
  readonly algorithm: string
  /** Names of the signed headers, as the client wrote them. */
  readonly headers: readonly string[]
  readonly signature: Buffer
}

/** Reads the signature of an Authorization field; undefined when it has none. */
export function readSignature(field: string | undefined): Signature | undefined {
  const [, username, algorithm, headers, signature] =
    /^\s*hmac\s+username="([^"]+)",\s*algorithm="([^"]+)",\s*headers="([^"]+)",\s*signature="([^"]+)"\s*$/i.exec(
      field ?? '',
    ) ?? []
  if (username === undefined || algorithm === undefined || headers === undefined) return undefined
  return {
    username,
    algorithm,
    headers: headers.split(' ').filter((name) => name !== ''),
    signature: Buffer.from(signature ?? '', 'base64'),
  }
}

/** Whether the signature is by the secret. */
export function isSignedBy(
  { algorithm, headers, signature }: Signature,
  request: RequestHead,
  secret: string,
): boolean {
  const text = headers.map((name) => signedLine(name, request)).join('\n')
  const expected = createHmac(algorithm.slice('hmac-'.length), secret).update(text).digest()
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}

function signedLine(name: string, request: RequestHead): string {
  const value = valueOf(name.toLowerCase(), request)
  if (value !== undefined) return `${name}: ${value}`
  const target = targetOf(request)
  if (name === '@request-target') return `${name}: ${request.method.toLowerCase()} ${target}`
  if (name === 'request-line')
    return `${request.method} ${target} HTTP/${request.http2 === true ? '2.0' : '1.1'}`
  return `${name}:`
}

function valueOf(name: string, { headers, host, port, scheme }: RequestHead): string | undefined {
  const value = headers.get(name)
  if (value !== undefined || name !== 'host') return value
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`
}

const targetOf = ({ path, query, hasEmptyQuery }: RequestHead): string =>
  query === '' && hasEmptyQuery !== true ? path : `${path}?${query}`
