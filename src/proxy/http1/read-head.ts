import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'

/** Whether a request asks to become a WebSocket. */
export const isWebSocket = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === 'websocket'

/** An IPv4 address that came in IPv6 clothes, bare. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:/, '')

/** The head of a request in the words of the walk. */
export function readHead(request: IncomingMessage): RequestHead {
  const { socket, headers } = request
  const { authority = headers.host, path, query } = readTarget(request.url)
  const [host, port] = splitHost(authority)
  const tls = socket instanceof TLSSocket ? socket : undefined
  return {
    method: request.method ?? '',
    scheme: tls === undefined ? 'http' : 'https',
    host,
    port: port ?? socket.localPort ?? 0,
    path,
    query,
    headers: new HeaderList(request.rawHeaders),
    clientAddress: plainAddress(socket.remoteAddress ?? ''),
    tlsVersion: tls === undefined ? '' : (tls.getProtocol() ?? ''),
    upgrade: isWebSocket(request) ? 'websocket' : '',
  }
}

/** A request target in origin-form, or in absolute-form, whose authority then outweighs the Host field (RFC 9112 section 3.2.2); anything else is taken as `/`. */
function readTarget(target = '/'): { authority?: string; path: string; query: string } {
  if (target.startsWith('/')) return splitQuery(target)
  if (!URL.canParse(target)) return { path: '/', query: '' }
  const { host, pathname, search } = new URL(target)
  return { authority: host, ...splitQuery(pathname + search) }
}

function splitQuery(target: string): { path: string; query: string } {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

function splitHost(field = ''): [host: string, port: number | undefined] {
  const found = /^(.*?)(?::(\d+))?$/.exec(field)
  return [(found?.[1] ?? '').toLowerCase(), found?.[2] === undefined ? undefined : Number(found[2])]
}
