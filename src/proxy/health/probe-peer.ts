import http from 'node:http'
import https from 'node:https'
import { connect, isIP } from 'node:net'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import { connectOptions } from '../balance/connect-options.ts'
import type { Peer } from '../balance/peer.ts'
import type { Finding } from './health.ts'

/** Asks a peer how it is; never rejects. */
export type Probe = (
  this: void,
  question: Question,
  signal: AbortSignal,
) => Promise<Finding | 'connected'>

/** Whom to ask, and how. */
export type Question = {
  readonly peer: Peer
  readonly upstream: UpstreamSettings
  /** What to show when the peer asks who calls; PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

/** Asks a peer on a connection of its own: http and https by a request, the others by connecting, as Kong does. */
export const probePeer: Probe = (question, signal) => {
  const { type } = question.upstream.healthchecks.active
  return type === 'http' || type === 'https'
    ? probeByRequest(question, signal)
    : probeByConnecting(question, signal)
}

function probeByRequest(question: Question, signal: AbortSignal): Promise<Finding> {
  const { peer, upstream, certificate } = question
  const { type, http_path: path, timeout, ...options } = upstream.healthchecks.active
  const module = type === 'https' ? https : http
  return new Promise((resolve) => {
    const request = module.get({
      ...connectOptions(peer),
      path,
      agent: false,
      signal,
      setHost: false,
      headers: fieldsOf(peer, upstream),
      servername: options.https_sni ?? nameOf(peer, upstream),
      rejectUnauthorized: options.https_verify_certificate,
      cert: certificate?.cert,
      key: certificate?.key,
    })
    const timer = setTimeout(() => {
      resolve('timeout')
      request.destroy()
    }, timeout * 1000)
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.on('error', () => resolve('broken'))
    request.on('close', () => clearTimeout(timer))
  })
}

function probeByConnecting(
  { peer, upstream }: Question,
  signal: AbortSignal,
): Promise<Finding | 'connected'> {
  return new Promise((resolve) => {
    const socket = connect({ ...connectOptions(peer), signal })
    const timer = setTimeout(() => {
      resolve('timeout')
      socket.destroy()
    }, upstream.healthchecks.active.timeout * 1000)
    socket.on('connect', () => {
      resolve('connected')
      socket.destroy()
    })
    socket.on('error', () => resolve('broken'))
    socket.on('close', () => clearTimeout(timer))
  })
}

/** The configured fields, one line for each value, and the host of the upstream. */
function fieldsOf(peer: Peer, { host_header: host, healthchecks }: UpstreamSettings): string[] {
  const fields = Object.entries(healthchecks.active.headers ?? {}).flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  )
  return ['Host', host ?? peer.name, 'Connection', 'close', ...fields]
}

/** The name for the TLS handshake; an address is never sent (RFC 6066 section 3). */
function nameOf(peer: Peer, { host_header: host }: UpstreamSettings): string {
  const name = (host ?? peer.name).replace(/:\d+$/, '')
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : ''
}
