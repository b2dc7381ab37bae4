import type { ReadField } from './compile-expression.ts'
import type { MatchInput } from './match-input.ts'

const readers: Readonly<Record<string, ReadField<MatchInput>>> = {
  'net.protocol': ({ request }) => request.scheme,
  'net.src.ip': ({ request }) => present(request.clientAddress),
  'net.src.port': ({ request: { connection, clientAddress } }) =>
    // A proxy that reports only the address of a client leaves its port unknown.
    connection?.client.address === clientAddress ? connection.client.port : undefined,
  'net.dst.ip': ({ request }) => present(request.connection?.local.address ?? ''),
  'net.dst.port': ({ request }) => request.port,
  'tls.sni': ({ request }) => request.serverName,
  'http.method': ({ request }) => request.method,
  'http.host': ({ request }) => present(request.host),
  'http.path': ({ path }) => path,
  'http.path.segments.len': ({ segments }) => segments.length,
}

const present = (text: string): string | undefined => (text === '' ? undefined : text)

/** Reads a field of a request. */
export function readRequestField(field: string): ReadField<MatchInput> {
  const reader = readers[field]
  if (reader !== undefined) return reader
  const [, family, name = ''] = /^http\.(headers|queries|path\.segments)\.(.*)$/.exec(field) ?? []
  switch (family) {
    case 'headers':
      return readHeader(name.toLowerCase())
    case 'queries':
      return (input) => input.query(name)
    case 'path.segments':
      return readSegments(name)
    case undefined:
    default:
      throw new Error(`requests have no field '${field}'`)
  }
}

/** Names of fields have underscores where names of headers have dashes. */
function readHeader(name: string): ReadField<MatchInput> {
  const dashed = name.replaceAll('_', '-')
  return ({ request: { headers } }) => {
    const exact = headers.all(name)
    return exact.length > 0 || name === dashed ? exact : headers.all(dashed)
  }
}

/** Segments are counted from zero. */
function readSegments(place: string): ReadField<MatchInput> {
  const [first = 0, last] = place.split('_').map(Number)
  if (last === undefined) return ({ segments }) => segments[first]
  return ({ segments }) =>
    last < segments.length ? segments.slice(first, last + 1).join('/') : undefined
}
