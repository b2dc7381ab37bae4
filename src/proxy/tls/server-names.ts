import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Snapshot } from '../../schema/snapshot.ts'

/** Who clients are asked to be: the authorities (PEM) whose certificates count. */
export type ClientCaList = { readonly authorities: readonly string[] }

/** What handshakes with clients go by. */
export type ServerNames = {
  /** Equal for equal certificates, names and authorities, and for nothing else. */
  readonly identity: string
  /** The authorities clients are asked to be vouched for by; undefined when they are not asked. */
  readonly peers: ClientCaList | undefined
  /** The certificate for a name in lower case: of it, of a wildcard that covers one label of it, or of any name; undefined when there is none. */
  find(name: string): SecureContext | undefined
}

/** Compiles the certificates of a snapshot; each is read when it is first asked for. */
export function compileServerNames(
  { certificates, snis }: Pick<Snapshot, 'certificates' | 'snis'>,
  peers: ClientCaList | undefined,
): ServerNames {
  const text = JSON.stringify([certificates, snis, peers ?? null])
  const contexts = new Map<string, SecureContext>()
  const byId = new Map(certificates.map((certificate) => [certificate.id, certificate]))
  const byName = new Map(snis.map(({ name, certificate }) => [name, certificate.id]))
  const open = (id: string): SecureContext | undefined => {
    const known = contexts.get(id)
    const certificate = byId.get(id)
    if (known !== undefined || certificate === undefined) return known
    const { cert, key, cert_alt: certAlt, key_alt: keyAlt } = certificate
    const context = createSecureContext({
      cert: certAlt === null ? [cert] : [cert, certAlt],
      key: keyAlt === null ? [key] : [key, keyAlt],
      ...contextOptions(peers),
    })
    contexts.set(id, context)
    return context
  }
  return {
    identity: createHash('sha256').update(text).digest('base64url'),
    peers,
    find(name) {
      const id = coveringNames(name)
        .map((covering) => byName.get(covering))
        .find((found) => found !== undefined)
      return id === undefined ? undefined : open(id)
    },
  }
}

/** What every context of a listener has in common. */
export const contextOptions = (peers: ClientCaList | undefined) => ({
  minVersion: 'TLSv1.2' as const,
  ...(peers === undefined ? {} : { ca: [...peers.authorities] }),
})

/** The names that cover one, nearest first, as in Kong. */
function coveringNames(name: string): string[] {
  const first = name.indexOf('.')
  const last = name.lastIndexOf('.')
  const wildcards = first < 0 ? [] : [`*${name.slice(first)}`, `${name.slice(0, last)}.*`]
  return [name, ...wildcards, '*']
}
