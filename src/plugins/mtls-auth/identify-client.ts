import type { Clock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import { readCertificateNames, type CertificateNames } from '../../proxy/certificate-names.ts'
import {
  certificateName,
  type Caller,
  type FoundCredential,
  type KnownConsumer,
} from '../../proxy/directory.ts'
import type { ClientCertificate, Exchange } from '../../proxy/exchange.ts'
import type { PluginTools } from '../../proxy/plugin.ts'
import {
  readAuthority,
  verifyClientChain,
  type Authority,
  type VerifiedChain,
} from '../../proxy/verify-client-chain.ts'
import type { Settings } from './settings.ts'

export type Identified = {
  readonly caller: Caller
  readonly names: CertificateNames
  /** When the credential expires, in milliseconds since the epoch. */
  readonly expiresAt: number
}

type Tools = Pick<
  PluginTools,
  'findAuthority' | 'findConsumer' | 'findConsumerBy' | 'findCredential'
> & { readonly clock: Clock }

/** Result for a certificate, and its period of validity. */
type Finding = {
  readonly result: Identified | Problem
  readonly directory: unknown
  readonly from: number
  readonly to: number
}

/** A credential ends before the millisecond at which it expires. */
const endOf = (result: Identified | Problem, { notAfter }: VerifiedChain): number =>
  result instanceof Problem ? notAfter : Math.min(notAfter, result.expiresAt - 1)

const isWithin = ({ from, to }: Finding, now: number): boolean => now >= from && now <= to

/** A refused certificate is verified at most so often, in milliseconds: it may have become valid. */
const refusedFor = 1_000

/** Remembers for each connection what its certificate means, until that is over or consumers, credentials or CAs change. */
export function openIdentification(
  settings: Settings,
  tools: Tools,
): (exchange: Exchange, certificate: ClientCertificate) => Identified | Problem {
  const findings = new WeakMap<ClientCertificate, Finding>()
  return (exchange, certificate) => {
    const { directory } = exchange
    const now = tools.clock.now()
    const known = findings.get(certificate)
    if (known !== undefined && known.directory === directory && isWithin(known, now))
      return known.result
    const verified = verify(exchange, certificate, { settings, tools, now })
    const result = verified === undefined ? untrusted() : identify(exchange, certificate, verified)
    const finding = {
      result,
      directory,
      from: verified?.notBefore ?? now,
      to: verified === undefined ? now + refusedFor : endOf(result, verified),
    }
    findings.set(certificate, finding)
    return result
  }

  function identify(
    exchange: Exchange,
    { der }: ClientCertificate,
    { authorities }: VerifiedChain,
  ): Identified | Problem {
    const names = readCertificateNames(der)
    const identity = { subject: names.subject, issuer: names.issuer, scopes: [], agent: '' }
    if (settings.skip_consumer_lookup) {
      const groups = groupsOf(names, settings)
      const caller = {
        kind: 'service-account',
        method,
        credential: '',
        consumer: undefined,
      } as const
      return {
        caller: { ...caller, identity: { ...identity, groups } },
        names,
        expiresAt: Infinity,
      }
    }
    const found = findConsumer(exchange, names, authorities, { settings, tools })
    if (found === undefined) return withoutConsumer()
    const { consumer, credential, expiresAt } = found
    const caller = { kind: 'consumer', method, consumer, credential } as const
    return { caller: { ...caller, identity: { ...identity, groups: [] } }, names, expiresAt }
  }
}

const method = 'mtls-auth'

const untrusted = (): Problem =>
  new Problem('mtls-auth.untrusted', 401, 'TLS certificate failed verification')

const withoutConsumer = (): Problem =>
  new Problem('mtls-auth.no_consumer', 401, 'TLS certificate failed verification')

type Context = { readonly settings: Settings; readonly tools: Tools }

function verify(
  exchange: Exchange,
  { verified, chain }: ClientCertificate,
  { settings, tools, now }: Context & { readonly now: number },
): VerifiedChain | undefined {
  const { ca_certificates: ids, allow_partial_chain: allowsPartialChain } = settings
  // OpenSSL has verified it against the CAs of all plugins, whose chains must have their roots.
  if (!verified && !allowsPartialChain) return undefined
  const authorities = ids.flatMap((id) => authorityOf(tools.findAuthority(exchange, id)) ?? [])
  return verifyClientChain(chain, authorities, { now, allowsPartialChain })
}

const parsed = new WeakMap<object, Authority>()

function authorityOf(item: ReturnType<Tools['findAuthority']>): Authority | undefined {
  if (item === undefined) return undefined
  const known = parsed.get(item)
  if (known !== undefined) return known
  const authority = readAuthority(item.id, item.cert)
  parsed.set(item, authority)
  return authority
}

type FoundConsumer = {
  readonly consumer: KnownConsumer
  readonly credential: string
  readonly expiresAt: number
}

/** Kong's order: credentials for one of the issuing CAs, credentials for any, fields of consumers; each by alternative names before the common name. */
function findConsumer(
  exchange: Exchange,
  { alternatives, commonName }: CertificateNames,
  authorities: readonly string[],
  { settings, tools }: Context,
): FoundConsumer | undefined {
  const names = commonName === undefined ? alternatives : [...alternatives, commonName]
  for (const issuers of [authorities, [null]])
    for (const name of names)
      for (const issuer of issuers) {
        const found = tools.findCredential(exchange, 'mtls_auths', certificateName(name, issuer))
        if (found !== undefined) return fromCredential(found)
      }
  for (const name of names)
    for (const field of settings.consumer_by) {
      const consumer = tools.findConsumerBy(exchange, field, name)
      if (consumer !== undefined) return { consumer, credential: '', expiresAt: Infinity }
    }
  const { default_consumer: fallback } = settings
  const consumer = fallback === null ? undefined : tools.findConsumer(exchange, fallback)
  return consumer && { consumer, credential: '', expiresAt: Infinity }
}

const fromCredential = ({
  consumer,
  credential: { id, expires_at: expiry },
}: FoundCredential<'mtls_auths'>): FoundConsumer => ({
  consumer,
  credential: id,
  expiresAt: expiry === undefined ? Infinity : expiry * 1000,
})

function groupsOf(
  { commonName, subject }: CertificateNames,
  { authenticated_group_by: by }: Settings,
): readonly string[] {
  if (by === null) return []
  const group = by === 'DN' ? subject : commonName
  return group === undefined ? [] : [group]
}
