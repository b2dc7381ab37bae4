import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'

/** How connections to the targets of a service are made secure, whichever target and name it is. */
export type ServiceTls = {
  /** Whether targets must prove their name. */
  readonly verify: boolean
  /** Most certificates between the target's own and a trusted one; undefined for any number. */
  readonly depth: number | undefined
  /** Equal for equal trust, and for nothing else. */
  readonly identity: string
  /** The trusted certificates and the client certificate, read once. */
  readonly context: () => SecureContext
}

/** How one connection to a target is made secure. Clients share connections only among tries of equal `identity`, and never resume sessions. */
export type TargetTls = ServiceTls & {
  /** The name that is asked for, and that a verified target must have. */
  readonly serverName: string
}

/** What a service says about TLS. */
export type ServiceTlsOptions = {
  readonly verify: boolean
  readonly depth: number | undefined
  /** Trusted certificates as PEM; undefined for those of the system. */
  readonly authorities: readonly string[] | undefined
  /** What to show when a target asks who calls; PEM. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
}

/** Builds what `openTargetTls` needs for each try of a service. */
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

/** The TLS of a try that sends `hostHeader`: its name without port is what is asked for, as in Kong. */
export function targetTlsFor(service: ServiceTls, hostHeader: string): TargetTls {
  const serverName = hostHeader.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return { ...service, serverName, identity: `${service.identity} ${serverName}` }
}

/** The name to send in a handshake; an address is never sent (RFC 6066 section 3). */
export const indicatedName = ({ serverName }: TargetTls): string =>
  isIP(serverName) === 0 ? serverName : ''
