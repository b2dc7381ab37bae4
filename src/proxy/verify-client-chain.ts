import { X509Certificate } from 'node:crypto'
import { extensionsOf, subjectAltName } from './tls/read-certificate.ts'
import { elementsOf, firstIn } from './tls/read-der.ts'

/** A CA certificate that is trusted. */
export type Authority = {
  readonly id: string
  readonly certificate: X509Certificate
  /** Whether it is signed by itself. */
  readonly isRoot: boolean
}

/** Parses a CA certificate (PEM). */
export function readAuthority(id: string, pem: string): Authority {
  const certificate = new X509Certificate(pem)
  const isRoot = certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
  return { id, certificate, isRoot }
}

/** A path from the certificate of a client to a trusted CA certificate. */
export type VerifiedChain = {
  /** Ids of the CA certificates on the path that are trusted, the nearest to the client first. */
  readonly authorities: readonly string[]
  /** When all its certificates are valid, in milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * Verifies the certificates that a client sent, its own first, as RFC 5280 section 6.1 says, for the purpose of
 * authenticating clients. The path ends at a self-signed trusted certificate, or with `allowsPartialChain` at any trusted
 * one. Certificates with name constraints and with critical extensions that are not known here are not accepted.
 */
export function verifyClientChain(
  [leaf, ...intermediates]: readonly X509Certificate[],
  authorities: readonly Authority[],
  options: { readonly now: number; readonly allowsPartialChain: boolean },
): VerifiedChain | undefined {
  try {
    if (leaf === undefined || !isUsable(leaf, options.now) || !maySign(leaf)) return undefined
    const search = { intermediates, authorities, ...options, checks: 0 }
    return describe(findPath([{ certificate: leaf }], search))
  } catch {
    // A certificate that cannot be parsed is not verified.
    return undefined
  }
}

type Step = Pick<Authority, 'certificate'> & Partial<Authority>

type Search = {
  readonly intermediates: readonly X509Certificate[]
  readonly authorities: readonly Authority[]
  readonly now: number
  readonly allowsPartialChain: boolean
  /** Signatures that were verified. */
  checks: number
}

/** Limits against chains that are crafted to consume CPU time. */
const maxLength = 10
const maxChecks = 50

function findPath(path: readonly Step[], search: Search): readonly Step[] | undefined {
  const child = path.at(-1) as Step
  if (path.length >= maxLength) return undefined
  const { authorities, intermediates } = search
  const candidates: readonly Step[] = [
    ...authorities,
    ...intermediates.map((certificate) => ({ certificate })),
  ]
  for (const candidate of candidates) {
    if (path.some(({ certificate }) => certificate.raw.equals(candidate.certificate.raw))) continue
    if (!mayIssue(candidate.certificate, child.certificate, path.length - 1, search)) continue
    const longer = [...path, candidate]
    const isEnd =
      candidate.id !== undefined && (search.allowsPartialChain || candidate.isRoot === true)
    const found = isEnd ? longer : findPath(longer, search)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether a certificate is of a CA that issued another, with this many CAs between it and the client. */
function mayIssue(
  issuer: X509Certificate,
  subject: X509Certificate,
  between: number,
  search: Search,
): boolean {
  return (
    issuer.ca &&
    isUsable(issuer, search.now) &&
    between <= pathLengthOf(issuer) &&
    !weakSignatures.test(subject.signatureAlgorithm ?? '') &&
    isSigned(subject, issuer, search)
  )
}

/** `checkIssued` compares names and key identifiers, and requires keyCertSign among the key usages of the issuer. */
function isSigned(subject: X509Certificate, issuer: X509Certificate, search: Search): boolean {
  if (!subject.checkIssued(issuer)) return false
  if ((search.checks += 1) > maxChecks) return false
  return subject.verify(issuer.publicKey)
}

const weakSignatures = /md\d|sha-?1(?!\d)/i
const minRsaBits = 2048

/** Whether a certificate is valid now, for clients, with a key that is long enough and no unknown critical extension. */
function isUsable(certificate: X509Certificate, now: number): boolean {
  const { modulusLength = minRsaBits } = certificate.publicKey.asymmetricKeyDetails ?? {}
  return (
    now >= certificate.validFromDate.getTime() &&
    now <= certificate.validToDate.getTime() &&
    modulusLength >= minRsaBits &&
    // As Node names the extended key usages.
    (certificate.keyUsage?.includes(clientAuthentication) ?? true) &&
    extensionsOf(certificate.raw).every(
      ({ id, isCritical }) => id !== nameConstraints && (!isCritical || understood.has(id)),
    )
  )
}

/** Whether the key usages of a client's certificate, if it has any, include digitalSignature or keyAgreement. */
function maySign({ raw }: X509Certificate): boolean {
  const usage = extensionsOf(raw).find(({ id }) => id === keyUsage)
  if (usage === undefined) return true
  const [, bits = 0] = firstIn(usage.value).value
  return (bits & 0x88) !== 0
}

/** pathLenConstraint, or Infinity where there is none. */
function pathLengthOf({ raw }: X509Certificate): number {
  const constraints = extensionsOf(raw).find(({ id }) => id === basicConstraints)
  if (constraints === undefined) return Infinity
  const length = elementsOf(firstIn(constraints.value).value).find(({ tag }) => tag === integerTag)
  return length === undefined
    ? Infinity
    : Number.parseInt(Buffer.from(length.value).toString('hex'), 16)
}

const integerTag = 0x02
const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const keyUsage = '551d0f'
const basicConstraints = '551d13'
const nameConstraints = '551d1e'

/** Extensions that may be critical. No policy is required, so that policies (certificatePolicies, policyConstraints, inhibitAnyPolicy) decide nothing. */
const understood: ReadonlySet<string> = new Set([
  keyUsage,
  basicConstraints,
  subjectAltName,
  '551d25',
  '551d20',
  '551d24',
  '551d36',
])

function describe(path: readonly Step[] | undefined): VerifiedChain | undefined {
  if (path === undefined) return undefined
  return {
    authorities: path.flatMap(({ id }) => (id === undefined ? [] : [id])),
    notBefore: Math.max(...path.map(({ certificate }) => certificate.validFromDate.getTime())),
    notAfter: Math.min(...path.map(({ certificate }) => certificate.validToDate.getTime())),
  }
}
