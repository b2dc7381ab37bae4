import type { Exchange } from '../../proxy/exchange.ts'
import type { HeaderList } from '../../proxy/header-list.ts'

/** A response that is stored. */
export type StoredAnswer = {
  readonly status: number
  readonly headers: HeaderList
  readonly body: Buffer
  /** Milliseconds since the epoch at which it was created. */
  readonly createdAt: number
  /** Seconds that it is fresh. */
  readonly lifetime: number
  /** Milliseconds since the epoch at which it is removed. */
  readonly endsAt: number
  /** Whether it may be used when it is no longer fresh, for a client that accepts that. */
  readonly mayBeStale: boolean
  /** The fields of requests that it is for (RFC 9111 section 4.1). */
  readonly vary: readonly (readonly [name: string, values: string])[]
}

/** The responses under one key, one for each combination of fields that `Vary` names; the last used first. */
export type Variants = readonly StoredAnswer[]

export const maxVariants = 16

/** The values of fields of a request, in one form. */
export const valuesOf = ({ request }: Exchange, name: string): string =>
  request.headers.all(name).join(',')

/** Whether a response answers a request. */
export const isFor = (stored: StoredAnswer, exchange: Exchange): boolean =>
  stored.vary.every(([name, values]) => valuesOf(exchange, name) === values)

/** The fields of a service's answer that are stored: without those of the connection, of another cache, and without `Content-Length`, which is written anew. */
export function storableHeaders(headers: HeaderList, isHead: boolean): HeaderList {
  const nominated = new Set(
    headers
      .all('connection')
      .join(',')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )
  return headers.without((name) => {
    const known = name.toLowerCase()
    // The response to HEAD names the length of a body that is not there.
    if (known === 'content-length') return !isHead
    return notStored.has(known) || nominated.has(known)
  })
}

const notStored: ReadonlySet<string> = new Set([
  'age',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-cache-key',
  'x-cache-status',
])

/** Bytes of memory, about. */
export const sizeOf = ({ headers, body, vary }: StoredAnswer): number =>
  500 + body.length + 2 * headers.flat.join('').length + 2 * vary.flat().join('').length

/** Whether the client has this response already (RFC 9110 section 13.2.2). */
export function isNotModified({ request }: Exchange, { status, headers }: StoredAnswer): boolean {
  if (status !== 200 || (request.method !== 'GET' && request.method !== 'HEAD')) return false
  const tags = request.headers.all('if-none-match').join(',')
  if (tags !== '') {
    const own = headers.get('etag')?.replace(/^W\//, '')
    if (tags.trim() === '*') return true
    const given: readonly string[] = tags.match(/"[^"]*"/g) ?? []
    return own !== undefined && given.includes(own)
  }
  const since = Date.parse(request.headers.get('if-modified-since') ?? '')
  return Date.parse(headers.get('last-modified') ?? '') <= since
}
