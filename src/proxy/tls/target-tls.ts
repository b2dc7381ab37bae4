import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'

/** TLS settings of a service, the same for all its targets. */
export type ServiceTls = {
  readonly verify: boolean
  /** Maximum number of intermediates; undefined for no limit. */
  readonly depth: number | undefined
  /** A hash of these settings. */
  readonly identity: string
  /** Created at the first use. */
  readonly context: () => SecureContext
}

/** TLS settings of one connection. Connections are shared only with equal `identity`, and sessions are never resumed. */
export type TargetTls = ServiceTls & {
  /** The SNI name, which a verified certificate must have. */
  readonly serverName: string
}

export type ServiceTlsOptions = {
  readonly verify: boolean
  readonly depth: number | undefined
  /** CA certificates, PEM; undefined for those of the system. */
  readonly authorities: readonly string[] | undefined
  /** Client certificate, PEM. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
}

export function buildServiceTls(options: ServiceTlsOptions): ServiceTls {
  const { verify, depth, authorities, client } = options
  let context: SecureContext | undefined
  return {
    verify,
    depth,
    identity: createHash('sha256').update(JSON.stringify(options)).digest('base64url'),
    context: () =>
      (context ??= createSecureContext({
        minVersion: 'TLSv1.2',
        ...(authorities === undefined ? {} : { ca: [...authorities] }),
        ...client,
      })),
  }
}

/** The server name is the Host without port, as in Kong. */
export function targetTlsFor(service: ServiceTls, hostHeader: string): TargetTls {
  const serverName = hostHeader.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return { ...service, serverName, identity: `${service.identity} ${serverName}` }
}

/** The SNI name, which never is an address (RFC 6066 section 3). */
export const indicatedName = ({ serverName }: TargetTls): string =>
  isIP(serverName) === 0 ? serverName : ''
