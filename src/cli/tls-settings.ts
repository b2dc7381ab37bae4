import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import { buildTlsPolicy, tlsProtocols, type TlsPolicySettings } from '../proxy/tls-policy.ts'

export const cipherSuite = z
  .enum(['modern', 'intermediate', 'old', 'custom'], {
    error: 'expected modern, intermediate, old or custom',
  })
  .default('intermediate')

/** Names separated by blanks or commas; consecutive versions, because TLS negotiates within a range. */
export const protocols = z
  .string()
  .default('TLSv1.2 TLSv1.3')
  .transform((text) => text.split(/[ ,]+/).filter((name) => name !== ''))
  .pipe(
    z
      .array(z.enum(tlsProtocols, { error: `expected some of ${tlsProtocols.join(' ')}` }))
      .min(1, { error: `expected some of ${tlsProtocols.join(' ')}` })
      .refine((names) => isRange(names), { error: 'expected consecutive versions' }),
  )

function isRange(names: readonly string[]): boolean {
  const places = tlsProtocols.flatMap((name, at) => (names.includes(name) ? [at] : []))
  return (places.at(-1) ?? 0) - (places[0] ?? 0) === places.length - 1
}

/** Why a policy cannot be used, or undefined. */
export function complaintAboutPolicy(settings: TlsPolicySettings): string | undefined {
  if (settings.suite === 'custom' && settings.ciphers === '')
    return 'WEIR_SSL_CIPHERS: required by WEIR_SSL_CIPHER_SUITE=custom'
  try {
    createSecureContext(buildTlsPolicy(settings))
    return undefined
  } catch (error) {
    return `WEIR_SSL_CIPHERS: ${(error as Error).message}`
  }
}

type FilePair = { readonly cert: string; readonly key: string }

/** Why a certificate and its key, PEM files, cannot be used, under the names of their settings; or undefined. */
export function complaintAboutCertificate(files: FilePair, names: FilePair): string | undefined {
  const texts = { cert: '', key: '' }
  for (const part of ['cert', 'key'] as const) {
    try {
      texts[part] = readFileSync(files[part], 'utf8')
      createSecureContext({ [part]: texts[part] })
    } catch (error) {
      return `${names[part]}: ${(error as Error).message}`
    }
  }
  try {
    createSecureContext(texts)
    return undefined
  } catch (error) {
    return `${names.key}: no key of ${names.cert} (${(error as Error).message})`
  }
}
