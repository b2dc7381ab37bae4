import type { RequestHead } from '../exchange.ts'
import type { ConnectionFacts } from '../tls/read-connection.ts'
import type { RequestMessage } from './read-message.ts'

/** The head of a request in the words of the walk. The authority of an absolute-form target outweighs the Host field (RFC 9112 section 3.2.2). */
export function buildHead(message: RequestMessage, facts: ConnectionFacts): RequestHead {
  const { method, target, fields } = message
  const { authority = fields.host[0] ?? '', path, query } = splitTarget(target)
  const { host, port } = splitHost(authority)
  return {
    method,
    scheme: facts.scheme,
    host,
    port: port ?? facts.localPort,
    path,
    query,
    headers: fields.headers,
    clientAddress: facts.clientAddress,
    tlsVersion: facts.tlsVersion,
    serverName: facts.serverName,
    clientCertificate: facts.clientCertificate,
    connection: facts.connection,
    upgrade: asksForWebSocket(message) ? 'websocket' : '',
  }
}

/** RFC 6455 section 4.1; a request with a body is none, for nobody could tell where its frames begin. */
function asksForWebSocket({ method, minor, fields, framing }: RequestMessage): boolean {
  const [protocol = ''] = fields.upgrade
  if (fields.upgrade.length !== 1 || protocol.toLowerCase() !== 'websocket') return false
  if (method !== 'GET' || minor !== 1 || framing.kind !== 'length' || framing.length > 0)
    return false
  const options = fields.connection.join(',').toLowerCase().split(',')
  return options.some((option) => option.trim() === 'upgrade')
}

function splitTarget(target: string): { authority?: string; path: string; query: string } {
  if (target.startsWith('/')) return splitQuery(target)
  const found = /^https?:\/\/([^/?]+)(.*)$/i.exec(target)
  if (found === null) return { path: '/', query: '' }
  const [, authority = '', rest = ''] = found
  const split = splitQuery(rest.startsWith('/') ? rest : `/${rest}`)
  return { authority: authority.slice(authority.lastIndexOf('@') + 1), ...split }
}

function splitQuery(target: string): { path: string; query: string } {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

function splitHost(field: string): { host: string; port: number | undefined } {
  const colon = field.endsWith(']') ? -1 : field.lastIndexOf(':')
  const host = (colon < 0 ? field : field.slice(0, colon)).toLowerCase()
  const port = colon < 0 || colon === field.length - 1 ? undefined : Number(field.slice(colon + 1))
  return { host, port }
}
