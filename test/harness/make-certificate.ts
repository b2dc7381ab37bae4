import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate with its private key, both PEM. */
export type Pair = { readonly cert: string; readonly key: string }

/** Contents of a certificate. */
export type CertificateOptions = {
  readonly names?: readonly string[]
  readonly addresses?: readonly string[]
  readonly uris?: readonly string[]
  readonly isAuthority?: boolean
  /** Days until expiry; negative for an expired certificate. */
  readonly days?: number
  readonly algorithm?: 'ECDSA' | 'RSA'
  /** Days until it is valid; negative for one that is. */
  readonly from?: number
  /** In place of the first name as common name. */
  readonly subject?: x509.JsonNameParams
  /** Number of intermediate CAs that may follow a CA. */
  readonly pathLength?: number
  readonly extensions?: readonly x509.Extension[]
}

/** An authority that issues certificates for tests. */
export type TestAuthority = Pair & {
  issue(options: CertificateOptions): Promise<Pair>
  /** Issues an intermediate CA, whose certificate is part of the chains it issues. */
  delegate(name: string, options?: CertificateOptions): Promise<TestAuthority>
}

const algorithms = {
  ECDSA: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RSA: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  },
}
const day = 86_400_000

type Issuer = {
  readonly subject: string | x509.JsonNameParams
  readonly keys: webcrypto.CryptoKeyPair
  readonly chain: string
}

/** Creates a root CA. */
export async function makeAuthority(
  name: string,
  options: CertificateOptions = {},
): Promise<TestAuthority> {
  const keys = await generateKeys('ECDSA')
  const issuer = { subject: `CN=${name}`, keys, chain: '' }
  const cert = await sign(issuer, issuer, { isAuthority: true, ...options })
  return authorityOf(issuer, cert)
}

async function authorityOf(issuer: Issuer, cert: string): Promise<TestAuthority> {
  return {
    cert,
    key: await exportKey(issuer.keys),
    async issue(options) {
      const keys = await generateKeys(options.algorithm ?? 'ECDSA')
      const subject = { subject: options.subject ?? `CN=${options.names?.[0] ?? 'test'}`, keys }
      const own = await sign(issuer, subject, options)
      return { cert: own + issuer.chain, key: await exportKey(keys) }
    },
    async delegate(name, options = {}) {
      const keys = await generateKeys('ECDSA')
      const subject = `CN=${name}`
      const own = await sign(issuer, { subject, keys }, { isAuthority: true, ...options })
      return authorityOf({ subject, keys, chain: own + issuer.chain }, own)
    },
  }
}

async function sign(
  issuer: Pick<Issuer, 'subject' | 'keys'>,
  subject: Pick<Issuer, 'subject' | 'keys'>,
  {
    names = [],
    addresses = [],
    uris = [],
    isAuthority = false,
    days = 2,
    from = -30,
    pathLength,
    extensions = [],
  }: CertificateOptions,
): Promise<string> {
  const alternatives = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value })),
    ...uris.map((value) => ({ type: 'url' as const, value })),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(subject.subject),
    issuer: nameOf(issuer.subject),
    publicKey: subject.keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: algorithms.ECDSA,
    notBefore: new Date(Date.now() + from * day),
    notAfter: new Date(Date.now() + days * day),
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
      ...extensions,
      ...(alternatives.length === 0
        ? []
        : [new x509.SubjectAlternativeNameExtension(alternatives)]),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

/** Only this constructor takes the types of strings. */
const nameOf = (subject: string | x509.JsonNameParams): x509.Name =>
  new x509.Name(subject as string)

const generateKeys = (algorithm: 'ECDSA' | 'RSA'): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(algorithms[algorithm], true, ['sign', 'verify'])

async function exportKey({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(
    await crypto.subtle.exportKey('pkcs8', privateKey),
    x509.PemConverter.PrivateKeyTag,
  )
}
