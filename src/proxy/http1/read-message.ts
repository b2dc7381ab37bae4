import { METHODS } from 'node:http'
import { Problem } from '../../lib/problem.ts'
import type { RequestHead } from '../exchange.ts'
import { type Framing, mayKeepAlive, requestFraming, responseFraming } from './framing.ts'
import { type Fields, parseFields } from './parse-fields.ts'
import { type ConnectionFacts, clientOf } from '../tls/read-connection.ts'

export type RequestMessage = {
  readonly method: string
  /** As sent. */
  readonly target: string
  readonly minor: number
  readonly fields: Fields
  readonly framing: Framing
  readonly keepAlive: boolean
}

export type ResponseMessage = {
  readonly status: number
  readonly fields: Fields
  readonly framing: Framing
  readonly keepAlive: boolean
}

const methods: ReadonlySet<string> = new Set(METHODS)

/** method SP target SP version, without characters that are not allowed in a URI (RFC 9112 section 3). */
const requestLine = /^([A-Z-]+) ([\x21\x22\x24-\x7e]+) HTTP\/1\.([01])$/
const targetText = /^[\x21\x22\x24-\x7e]+$/
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/

/** Parses a request head, including its empty line; throws the Problem to answer. */
export function readRequest(head: string): RequestMessage {
  const lineEnd = head.indexOf('\r\n')
  const line = head.slice(0, lineEnd)
  const parts = requestLine.exec(line)
  if (parts === null) throw lineProblem(line)
  const [, method = '', target = '', minor] = parts
  const complaint = methodError(method)
  if (complaint !== undefined) throw complaint
  const fields = readFields(head.slice(lineEnd + 2, -2))
  const message = { method, target, minor: Number(minor), fields }
  const framing = requestFraming(fields, message.minor)
  if (framing === undefined) throw malformed('the length of the body is ambiguous')
  checkTargetAndHost(message)
  return { ...message, framing, keepAlive: mayKeepAlive(fields, message.minor) }
}

/** Why a method is refused. */
export function methodError(method: string): Problem | undefined {
  if (!methods.has(method)) return malformed('the method is unknown')
  if (method !== 'CONNECT') return undefined
  return new Problem('request.connect', 405, 'CONNECT is not supported')
}

/** Whether a path with its query has only characters of a URI. */
export const isTarget = (text: string): boolean => text.startsWith('/') && targetText.test(text)

/** Whether it is a host with or without a port. */
export const isHost = (text: string): boolean => hostField.test(text)

/** Parses a response head; undefined when it is malformed or its framing is ambiguous. */
export function readResponse(head: string, method: string): ResponseMessage | undefined {
  const lineEnd = head.indexOf('\r\n')
  const line = statusLine.exec(head.slice(0, lineEnd))
  const fields = parseFields(head.slice(lineEnd + 2, -2))
  if (line === null || fields === undefined || fields === 'many') return undefined
  const [minor, status] = [Number(line[1]), Number(line[2])]
  const hasBody = method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304
  const framing = responseFraming(fields, minor, hasBody)
  if (framing === undefined) return undefined
  return {
    status,
    fields,
    framing,
    keepAlive: framing.kind !== 'close' && mayKeepAlive(fields, minor),
  }
}

function readFields(text: string): Fields {
  const fields = parseFields(text)
  if (fields === undefined) throw malformed('a header field is malformed')
  if (fields === 'many') throw headTooLarge()
  return fields
}

/** Rejects a target or Host that two servers could interpret differently (RFC 9112 section 3.2). */
function checkTargetAndHost({
  method,
  target,
  minor,
  fields: { host },
}: Omit<RequestMessage, 'framing' | 'keepAlive'>): void {
  const isAbsolute = (): boolean => hostField.test(splitTarget(target).authority ?? '')
  if (!target.startsWith('/') && !(target === '*' && method === 'OPTIONS') && !isAbsolute())
    throw malformed('the request target is malformed')
  if (host.length > 1 || (host.length === 0 && minor === 1))
    throw malformed('there must be one Host')
  const [name = 'none'] = host
  if (!hostField.test(name)) throw malformed('the Host is malformed')
}

/** uri-host and port (RFC 9110 section 7.2): a name, an IPv4 address or an IPv6 address in brackets. */
const hostField = /^(?:[\w.~!$&'()*+,;=%-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i

function lineProblem(line: string): Problem {
  const isOtherVersion = /^[A-Z]+ \S+ HTTP\/\d\.\d$/.test(line) && !/ HTTP\/1\.[01]$/.test(line)
  return isOtherVersion
    ? new Problem('request.version', 505, 'HTTP version not supported')
    : malformed('the request line is malformed')
}

export const malformed = (reason: string): Problem =>
  new Problem('request.malformed', 400, `Bad request: ${reason}`)

export const headTooLarge = (): Problem =>
  new Problem('request.head_too_large', 431, 'Request header fields too large')

export const timedOut = (): Problem => new Problem('request.timeout', 408, 'Request timeout')

/** The authority of an absolute-form target replaces the Host field (RFC 9112 section 3.2.2). */
export function buildHead(message: RequestMessage, facts: ConnectionFacts): RequestHead {
  const { method, target, fields } = message
  const place = splitTarget(target)
  if (place.authority !== undefined) fields.headers.set('Host', place.authority)
  const { host, port } = splitHost(place.authority ?? fields.host[0] ?? '')
  return {
    method,
    scheme: facts.scheme,
    host,
    port: port ?? facts.localPort,
    path: place.path,
    query: place.query,
    hasEmptyQuery: place.hasEmptyQuery,
    headers: fields.headers,
    clientAddress: clientOf(facts, fields.headers),
    localPort: facts.localPort,
    proxyAddress: facts.proxy?.address,
    tlsVersion: facts.tlsVersion,
    serverName: facts.serverName,
    clientCertificate: facts.clientCertificate,
    connection: facts.connection,
    upgrade: isWebSocketUpgrade(message) ? 'websocket' : '',
  }
}

/** RFC 6455 section 4.1. A request with a body is not an upgrade: the start of its frames would be ambiguous. */
function isWebSocketUpgrade({ method, minor, fields, framing }: RequestMessage): boolean {
  const [protocol = ''] = fields.upgrade
  if (fields.upgrade.length !== 1 || protocol.toLowerCase() !== 'websocket') return false
  if (method !== 'GET' || minor !== 1 || framing.kind !== 'length' || framing.length > 0)
    return false
  const options = fields.connection.join(',').toLowerCase().split(',')
  return options.some((option) => option.trim() === 'upgrade')
}

function splitTarget(target: string): PathAndQuery & { readonly authority?: string } {
  if (target.startsWith('/')) return splitQuery(target)
  const found = /^https?:\/\/([^/?]+)(.*)$/i.exec(target)
  if (found === null) return { path: '/', query: '', hasEmptyQuery: false }
  const [, authority = '', rest = ''] = found
  const split = splitQuery(rest.startsWith('/') ? rest : `/${rest}`)
  return { authority: authority.slice(authority.lastIndexOf('@') + 1), ...split }
}

type PathAndQuery = Required<Pick<RequestHead, 'path' | 'query' | 'hasEmptyQuery'>>

/** Splits a target in origin form (RFC 9112 section 3.2.1). */
export function splitQuery(target: string): PathAndQuery {
  const mark = target.indexOf('?')
  if (mark < 0) return { path: target, query: '', hasEmptyQuery: false }
  const query = target.slice(mark + 1)
  return { path: target.slice(0, mark), query, hasEmptyQuery: query === '' }
}

function splitHost(field: string): { host: string; port: number | undefined } {
  const colon = field.endsWith(']') ? -1 : field.lastIndexOf(':')
  const host = (colon < 0 ? field : field.slice(0, colon)).toLowerCase()
  const port = colon < 0 || colon === field.length - 1 ? undefined : Number(field.slice(colon + 1))
  return { host, port }
}
