import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Snapshot } from '../../schema/snapshot.ts'

/** CA certificates (PEM) for client certificates. */
export type ClientCaList = { readonly authorities: readonly string[] }

/** Certificates by server name. */
export type ServerNames = {
  /** A hash of certificates, names and client CAs. */
  readonly identity: string
  /** Undefined when no client certificate is requested. */
  readonly clientCas: ClientCaList | undefined
  /** The certificate for a lower-case name: exact, wildcard or `*`. */
  find(name: string): SecureContext | undefined
}

/** Certificates are parsed at their first use. */
export function compileServerNames(
  { certificates, snis }: Pick<Snapshot, 'certificates' | 'snis'>,
  clientCas: ClientCaList | undefined,
): ServerNames {
  const text = JSON.stringify([[...certificates.values()], [...snis.values()], clientCas ?? null])
  const contexts = new Map<string, SecureContext>()
  const byName = new Map([...snis.values()].map(({ name, certificate }) => [name, certificate.id]))
  const open = (id: string): SecureContext | undefined => {
    const known = contexts.get(id)
    const certificate = certificates.get(id)
    if (known !== undefined || certificate === undefined) return known
    const { cert, key, cert_alt: certAlt, key_alt: keyAlt } = certificate
    const context = createSecureContext({
      cert: certAlt === null ? [cert] : [cert, certAlt],
      key: keyAlt === null ? [key] : [key, keyAlt],
      ...contextOptions(clientCas),
    })
    contexts.set(id, context)
    return context
  }
  return {
    identity: createHash('sha256').update(text).digest('base64url'),
    clientCas,
    find(name) {
      const id = coveringNames(name)
        .map((covering) => byName.get(covering))
        .find((found) => found !== undefined)
      return id === undefined ? undefined : open(id)
    },
  }
}

export const contextOptions = (clientCas: ClientCaList | undefined) => ({
  minVersion: 'TLSv1.2' as const,
  ...(clientCas === undefined ? {} : { ca: [...clientCas.authorities] }),
})

/** The matching SNI names, most specific first, as in Kong. */
function coveringNames(name: string): string[] {
  const first = name.indexOf('.')
  const last = name.lastIndexOf('.')
  const wildcards = first < 0 ? [] : [`*${name.slice(first)}`, `${name.slice(0, last)}.*`]
  return [name, ...wildcards, '*']
}
