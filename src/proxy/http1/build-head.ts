import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { RequestHead } from '../exchange.ts'
import type { RequestMessage } from './read-message.ts'

/** An IPv4 address that came in IPv6 clothes, bare. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') ? address.slice(7) : address

/** The head of a request in the words of the walk. The authority of an absolute-form target outweighs the Host field (RFC 9112 section 3.2.2). */
export function buildHead(
  { method, target, fields, minor }: RequestMessage,
  socket: Socket,
): RequestHead {
  const { authority = fields.host[0] ?? '', path, query } = splitTarget(target)
  const { host, port } = splitHost(authority)
  const tls = socket instanceof TLSSocket ? socket : undefined
  return {
    method,
    scheme: tls === undefined ? 'http' : 'https',
    host,
    port: port ?? socket.localPort ?? 0,
    path,
    query,
    headers: fields.headers,
    clientAddress: plainAddress(socket.remoteAddress ?? ''),
    tlsVersion: tls === undefined ? '' : (tls.getProtocol() ?? ''),
    upgrade: method === 'GET' && minor === 1 && asksForWebSocket(fields) ? 'websocket' : '',
  }
}

function asksForWebSocket({ upgrade, connection }: RequestMessage['fields']): boolean {
  if (upgrade.length !== 1 || upgrade[0]?.toLowerCase() !== 'websocket') return false
  return connection
    .join(',')
    .toLowerCase()
    .split(',')
    .some((token) => token.trim() === 'upgrade')
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
