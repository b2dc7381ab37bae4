import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import type { CertificateFiles, PlaneSettings } from '../planes/plane-settings.ts'
import { buildTlsPolicy, tlsProtocols, type TlsPolicySettings } from '../proxy/tls-policy.ts'
import { SettingsError } from './settings-error.ts'

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

type PolicyVariables = {
  readonly WEIR_SSL_CIPHER_SUITE: TlsPolicySettings['suite']
  readonly WEIR_SSL_CIPHERS: string
  readonly WEIR_SSL_PROTOCOLS: z.output<typeof protocols>
  readonly WEIR_SSL_PREFER_SERVER_CIPHERS: boolean
  readonly WEIR_SSL_SESSION_TICKETS: boolean
}

export function readTls(settings: PolicyVariables): PlaneSettings['tls'] {
  const suite = settings.WEIR_SSL_CIPHER_SUITE
  const policy: TlsPolicySettings =
    suite === 'custom'
      ? {
          suite,
          ciphers: settings.WEIR_SSL_CIPHERS,
          protocols: settings.WEIR_SSL_PROTOCOLS,
          prefersServerCiphers: settings.WEIR_SSL_PREFER_SERVER_CIPHERS,
        }
      : { suite }
  const complaint = complaintAboutPolicy(policy)
  if (complaint !== undefined) throw new SettingsError(complaint)
  return { policy, hasSessionTickets: settings.WEIR_SSL_SESSION_TICKETS }
}

/** Why a policy cannot be used, or undefined. */
function complaintAboutPolicy(settings: TlsPolicySettings): string | undefined {
  if (settings.suite === 'custom' && settings.ciphers === '')
    return 'WEIR_SSL_CIPHERS: required by WEIR_SSL_CIPHER_SUITE=custom'
  try {
    createSecureContext(buildTlsPolicy(settings))
    return undefined
  } catch (error) {
    return `WEIR_SSL_CIPHERS: ${(error as Error).message}`
  }
}

type CertificateVariable = `${'WEIR_ADMIN' | 'WEIR_ADMIN_GUI'}_SSL_CERT${'' | '_KEY'}`
type CertificateVariables = { readonly [Name in CertificateVariable]?: string | undefined }

/** The certificates of the Admin API and the Manager. */
export function readCertificates(
  settings: CertificateVariables,
): Pick<PlaneSettings, 'adminCertificate' | 'managerCertificate'> {
  const adminCertificate = readPair(settings, 'WEIR_ADMIN_SSL_CERT')
  const managerCertificate = readPair(settings, 'WEIR_ADMIN_GUI_SSL_CERT')
  return {
    ...(adminCertificate === undefined ? {} : { adminCertificate }),
    ...(managerCertificate === undefined ? {} : { managerCertificate }),
  }
}

function readPair(
  settings: CertificateVariables,
  name: 'WEIR_ADMIN_SSL_CERT' | 'WEIR_ADMIN_GUI_SSL_CERT',
): CertificateFiles | undefined {
  const names = { cert: name, key: `${name}_KEY` } as const
  const [cert, key] = [settings[names.cert], settings[names.key]]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined) throw new SettingsError(`${names.cert}: required by ${names.key}`)
  if (key === undefined) throw new SettingsError(`${names.key}: required by ${names.cert}`)
  const files = { cert: resolve(cert), key: resolve(key) }
  const complaint = complaintAboutCertificate(files, names)
  if (complaint !== undefined) throw new SettingsError(complaint)
  return files
}

/** Why a certificate and its key, PEM files, cannot be used, under the names of their settings; or undefined. */
function complaintAboutCertificate(
  files: CertificateFiles,
  names: CertificateFiles,
): string | undefined {
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
