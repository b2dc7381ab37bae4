import http from 'node:http'
import https from 'node:https'
import { connect, isIP, type TcpNetConnectOpts } from 'node:net'
import { EgressDenied, type Egress } from '../../lib/egress.ts'
import type { UpstreamSettings } from '../../schema/snapshot.ts'
import { connectOptions } from '../balance/connect-options.ts'
import type { Target } from '../balance/target.ts'
import type { HealthResult } from './health.ts'

/** Probes a target; never rejects. `onError` gets the error of a failed connection. */
export type Probe = (
  this: void,
  request: ProbeRequest,
  signal: AbortSignal,
  onError: (error: Error) => void,
) => Promise<HealthResult | 'connected'>

export type ProbeRequest = {
  readonly target: Target
  readonly upstream: UpstreamSettings
  /** Client certificate; PEM. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

/** Probes on a new connection: http and https send a request, other types only connect, as in Kong. */
export const openProbe =
  (egress: Egress): Probe =>
  async ({ target, ...request }, signal, onError) => {
    const { type } = request.upstream.healthchecks.active
    try {
      const options = { ...request, target, where: connectOptions(target, egress) }
      return await (type === 'http' || type === 'https'
        ? probeByRequest(options, signal, onError)
        : probeByConnecting(options, signal, onError))
    } catch (error) {
      if (!(error instanceof EgressDenied)) throw error
      onError(error)
      return 'broken'
    }
  }

type LocatedProbe = ProbeRequest & { readonly where: TcpNetConnectOpts }

function probeByRequest(
  { target, where, upstream, certificate }: LocatedProbe,
  signal: AbortSignal,
  onError: (error: Error) => void,
): Promise<HealthResult> {
  const { type, http_path: path, timeout, ...options } = upstream.healthchecks.active
  const module = type === 'https' ? https : http
  return new Promise((resolve) => {
    const request = module.get({
      ...where,
      path,
      agent: false,
      signal,
      setHost: false,
      headers: fieldsOf(target, upstream),
      servername: options.https_sni ?? nameOf(target, upstream),
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
    request.on('error', (error) => {
      onError(error)
      resolve('broken')
    })
    request.on('close', () => clearTimeout(timer))
  })
}

function probeByConnecting(
  { where, upstream }: LocatedProbe,
  signal: AbortSignal,
  onError: (error: Error) => void,
): Promise<HealthResult | 'connected'> {
  return new Promise((resolve) => {
    const socket = connect({ ...where, signal })
    const timer = setTimeout(() => {
      resolve('timeout')
      socket.destroy()
    }, upstream.healthchecks.active.timeout * 1000)
    socket.on('connect', () => {
      resolve('connected')
      socket.destroy()
    })
    socket.on('error', (error) => {
      onError(error)
      resolve('broken')
    })
    socket.on('close', () => clearTimeout(timer))
  })
}

function fieldsOf(target: Target, { host_header: host, healthchecks }: UpstreamSettings): string[] {
  const fields = Object.entries(healthchecks.active.headers ?? {}).flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  )
  return ['Host', host ?? target.name, 'Connection', 'close', ...fields]
}

/** The name for SNI, which never is an address (RFC 6066 section 3). */
function nameOf(target: Target, { host_header: host }: UpstreamSettings): string {
  const name = (host ?? target.name).replace(/:\d+$/, '')
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : ''
}
