export const tlsProtocols = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
export type TlsProtocol = (typeof tlsProtocols)[number]

/** As Kong's settings `ssl_cipher_suite`, `ssl_ciphers`, `ssl_protocols` and `ssl_prefer_server_ciphers`. */
export type TlsPolicySettings =
  | { readonly suite: 'modern' | 'intermediate' | 'old' }
  | {
      readonly suite: 'custom'
      /** In the format of OpenSSL. */
      readonly ciphers: string
      readonly protocols: readonly TlsProtocol[]
      readonly prefersServerCiphers: boolean
    }

/** Options of Node's TLS servers and secure contexts. */
export type TlsPolicy = {
  readonly minVersion: TlsProtocol
  readonly maxVersion: TlsProtocol
  readonly ciphers: string
  readonly honorCipherOrder: boolean
  readonly dhparam?: 'auto'
}

const suitesOf13 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'

/** Authenticated encryption with forward secrecy (Mozilla, "Server Side TLS", intermediate). */
const intermediate = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-CHACHA20-POLY1305',
]

/** For clients of before 2014. */
const old = [
  ...intermediate,
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'DHE-RSA-AES128-SHA256',
  'DHE-RSA-AES256-SHA256',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
  // OpenSSL allows TLS 1.0 and 1.1, which sign with SHA-1, at this level only.
  '@SECLEVEL=0',
]

/** Kong's suites. In `custom`, TLS 1.3 has its own cipher suites, which are offered where the list names none of them. */
export function buildTlsPolicy(settings: TlsPolicySettings): TlsPolicy {
  switch (settings.suite) {
    case 'modern':
      return policy(['TLSv1.3'], [], false)
    case 'intermediate':
      return policy(['TLSv1.2', 'TLSv1.3'], intermediate, false)
    case 'old':
      return policy(tlsProtocols, old, true)
    case 'custom':
      return policy(settings.protocols, settings.ciphers.split(':'), settings.prefersServerCiphers)
  }
}

function policy(
  protocols: readonly TlsProtocol[],
  ciphers: readonly string[],
  honorCipherOrder: boolean,
): TlsPolicy {
  const known = tlsProtocols.filter((protocol) => protocols.includes(protocol))
  const names13 = ciphers.some((name) => name.startsWith('TLS_'))
  const offers13 = known.includes('TLSv1.3')
  const usesDhe = ciphers.some((name) => name.startsWith('DHE-'))
  return {
    minVersion: known[0] ?? 'TLSv1.2',
    maxVersion: known.at(-1) ?? 'TLSv1.3',
    ciphers: [...(offers13 && !names13 ? [suitesOf13] : []), ...ciphers].join(':'),
    honorCipherOrder,
    // Parameters as strong as the key of the certificate (RFC 7919 section 4).
    ...(usesDhe ? { dhparam: 'auto' as const } : {}),
  }
}

export const defaultTlsPolicy = buildTlsPolicy({ suite: 'intermediate' })
