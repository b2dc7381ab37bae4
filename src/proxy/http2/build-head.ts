import type { RequestHead } from '../exchange.ts'
import type { ConnectionFacts } from '../tls/read-connection.ts'
import { incomingFields, pseudoField } from './fields.ts'

/** The head of a request in the words of the walk. `:authority` is its host, else the Host field. */
export function buildHead(raw: readonly string[], facts: ConnectionFacts): RequestHead {
  const { localPort, ...connection } = facts
  const field = pseudoField(raw, ':authority')
  const given = incomingFields(raw)
  const authority = field === '' ? (given.get('host') ?? '') : field
  const headers = given.without((name) => name.toLowerCase() === 'host')
  if (authority !== '') headers.flat.unshift('Host', authority)
  const found = /^(.*?)(?::(\d{1,5}))?$/.exec(authority)
  const target = pseudoField(raw, ':path')
  const mark = target.indexOf('?')
  return {
    ...connection,
    method: pseudoField(raw, ':method'),
    host: (found?.[1] ?? '').toLowerCase(),
    port: found?.[2] === undefined ? localPort : Number(found[2]),
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    upgrade: '',
    http2: true,
  }
}
