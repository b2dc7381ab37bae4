import type { OutgoingHttpHeaders } from 'node:http2'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { splitQuery } from '../http1/read-message.ts'
import { type ConnectionFacts, clientOf } from '../tls/read-connection.ts'

/** Connection-specific fields (RFC 9113 section 8.2.2), and Host, which is sent as `:authority`. */
const unsent: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** `first` are the pseudo-header fields. */
export function outgoingFields(
  { flat }: HeaderList,
  first: OutgoingHttpHeaders = {},
): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = { ...first }
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] as string).toLowerCase()
    const value = flat[at + 1] as string
    const before = fields[name]
    if (unsent.has(name) || name.startsWith(':')) continue
    if (before === undefined) fields[name] = value
    else fields[name] = [before].flat().map(String).concat(value)
  }
  return fields
}

/** Removes pseudo-header fields and joins cookie crumbs (RFC 9113 section 8.2.3). */
export function incomingFields(raw: readonly string[], first: readonly string[] = []): HeaderList {
  const flat = [...first]
  const crumbs: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (name === 'cookie') crumbs.push(value)
    else if (!name.startsWith(':')) flat.push(name, value)
  }
  if (crumbs.length > 0) flat.push('cookie', crumbs.join('; '))
  return new HeaderList(flat)
}

/** The value of a pseudo-header field, or ''. */
export function pseudoField(raw: readonly string[], name: string): string {
  for (let at = 0; at < raw.length; at += 2) if (raw[at] === name) return raw[at + 1] as string
  return ''
}

/** The host is `:authority`, else the Host field. */
export function buildHead(raw: readonly string[], facts: ConnectionFacts): RequestHead {
  const field = pseudoField(raw, ':authority')
  const given = incomingFields(raw)
  const authority = field === '' ? (given.get('host') ?? '') : field
  const headers = given.without((name) => name.toLowerCase() === 'host')
  if (authority !== '') headers.flat.unshift('Host', authority)
  const found = /^(.*?)(?::(\d{1,5}))?$/.exec(authority)
  const { path, query, hasEmptyQuery } = splitQuery(pseudoField(raw, ':path'))
  return {
    method: pseudoField(raw, ':method'),
    scheme: facts.scheme,
    host: (found?.[1] ?? '').toLowerCase(),
    port: found?.[2] === undefined ? facts.localPort : Number(found[2]),
    path,
    query,
    hasEmptyQuery,
    headers,
    clientAddress: clientOf(facts, headers),
    localPort: facts.localPort,
    proxyAddress: facts.proxy?.address,
    tlsVersion: facts.tlsVersion,
    serverName: facts.serverName,
    clientCertificate: facts.clientCertificate,
    connection: facts.connection,
    upgrade: '',
    http2: true,
  }
}
