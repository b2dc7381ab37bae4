import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { uuidv4 } from '../lib/ids.ts'
import type { CertificatePair } from './tls/open-tls-front.ts'

const days = 3650

/** The self-signed certificate where none is configured: created once in `directory`, shared by all processes of a node. */
export async function keepDefaultCertificate(directory: string): Promise<CertificatePair> {
  const path = join(directory, 'default-certificate.pem')
  const kept = readPair(path)
  if (kept !== undefined) return kept
  const temporary = `${path}.${uuidv4()}`
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileSync(temporary, await makePair(), { mode: 0o600 })
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(temporary)
  }
  const made = readPair(path)
  if (made === undefined) throw new TypeError(`${path} holds no certificate`)
  return made
}

function readPair(path: string): CertificatePair | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return { cert: text, key: text }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Certificate and key in one PEM text. The libraries are loaded only if none exists yet. */
async function makePair(): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=weir default certificate',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + days * 86_400_000),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return `${certificate.toString('pem')}\n${x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag)}\n`
}
