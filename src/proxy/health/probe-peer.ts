import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import type { UpstreamSettings } from '../../schema/upstream.ts'
import { connectOptions } from '../balance/connect-options.ts'
import type { Peer } from '../balance/peer.ts'
import type { Finding } from './health.ts'

/** Asks a peer how it is; never rejects. */
export type Probe = (
  this: void,
  peer: Peer,
  upstream: UpstreamSettings,
  signal: AbortSignal,
) => Promise<Finding | 'connected'>

/** Asks a peer on a connection of its own: http and https by a request, the others by connecting, as Kong does. */
export const probePeer: Probe = (peer, upstream, signal) => {
  const { type } = upstream.healthchecks.active
  return type === 'http' || type === 'https'
    ? probeByRequest(peer, upstream, signal)
    : probeByConnecting(peer, upstream, signal)
}

function probeByRequest(
  peer: Peer,
  upstream: UpstreamSettings,
  signal: AbortSignal,
): Promise<Finding> {
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
  peer: Peer,
  upstream: UpstreamSettings,
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

const nameOf = (peer: Peer, { host_header: host }: UpstreamSettings): string =>
  (host ?? peer.name).replace(/:\d+$/, '')
