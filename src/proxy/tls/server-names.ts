import { hash, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { canonicalText } from '../../lib/canonical-text.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import type { TlsPolicy } from '../tls-policy.ts'

type SnapshotCertificate = SnapshotItem<'certificates'>

/** CA certificates (PEM) for client certificates. */
export type ClientCaList = { readonly authorities: readonly string[] }

/** Certificates by server name. */
export type ServerNames = {
  /** Another object whenever certificates, names or client CAs are others. */
  readonly identity: object
  /** Undefined when no client certificate is requested. */
  readonly clientCas: ClientCaList | undefined
  /** The certificate for a lower-case name: exact, wildcard or `*`. The policy is that of the process. */
  find(name: string, policy: TlsPolicy): SecureContext | undefined
  /** Whether the certificate (DER) is shown beside one of another kind: which of them a client gets is not known before. */
  isOneOfTwo(certificate: Buffer): boolean
  /** A digest of certificates and names: equal where these are equal. */
  digest(): string
}

/** Server names with what the next ones are made from. */
export type ServerNameTables = ServerNames & {
  /** Ids of certificates by name. */
  readonly byName: RadixMap<string>
  /** The certificates that were parsed for these client CAs. */
  readonly contexts: WeakMap<SnapshotCertificate, SecureContext>
  /** Fingerprints of the parsed ones that are shown beside another. */
  readonly twins: Set<string>
}

export const emptyServerNames = (): ServerNameTables =>
  openServerNames(RadixMap.empty(), RadixMap.empty(), undefined, {
    contexts: new WeakMap(),
    twins: new Set(),
    snis: RadixMap.empty(),
  })

/** The names of the next snapshot; the same object where nothing of them changed. */
export function* changeServerNames(
  tables: ServerNameTables,
  before: Pick<Snapshot, 'certificates' | 'snis'>,
  after: Pick<Snapshot, 'certificates' | 'snis'>,
  clientCas: ClientCaList | undefined,
): CooperativeTask<ServerNameTables> {
  const isSameCas = isSameList(tables.clientCas, clientCas)
  let isSame = isSameCas
  const contexts = isSame ? tables.contexts : new WeakMap<SnapshotCertificate, SecureContext>()
  const names = new Map<string, string | undefined>()
  const added: SnapshotItem<'snis'>[] = []
  // A name may pass from one item to another: all are removed before any is added.
  for (const { before: old, after: fresh } of before.snis.differencesTo(after.snis)) {
    yield
    isSame = false
    if (old !== undefined) names.set(old.name, undefined)
    if (fresh !== undefined) added.push(fresh)
  }
  for (const { name, certificate } of added) names.set(name, certificate.id)
  const byName = yield* tables.byName.changeSteps(names)
  for (const _ of before.certificates.differencesTo(after.certificates)) {
    isSame = false
    break
  }
  return isSame
    ? tables
    : openServerNames(byName, after.certificates, clientCas, {
        contexts,
        twins: isSameCas ? tables.twins : new Set(),
        snis: after.snis,
      })
}

const isSameList = (a: ClientCaList | undefined, b: ClientCaList | undefined): boolean =>
  a?.authorities.length === b?.authorities.length &&
  (a?.authorities.every((pem, at) => pem === b?.authorities[at]) ?? true)

/** Certificates are parsed at their first use. */
function openServerNames(
  byName: RadixMap<string>,
  certificates: Snapshot['certificates'],
  clientCas: ClientCaList | undefined,
  {
    contexts,
    twins,
    snis,
  }: Pick<ServerNameTables, 'contexts' | 'twins'> & { readonly snis: Snapshot['snis'] },
): ServerNameTables {
  const open = (certificate: SnapshotCertificate, policy: TlsPolicy): SecureContext => {
    const known = contexts.get(certificate)
    if (known !== undefined) return known
    const { cert, key, cert_alt: certAlt, key_alt: keyAlt } = certificate
    if (certAlt !== null)
      for (const pem of [cert, certAlt]) twins.add(fingerprintOf(new X509Certificate(pem).raw))
    const context = createSecureContext({
      cert: certAlt === null ? [cert] : [cert, certAlt],
      key: keyAlt === null ? [key] : [key, keyAlt],
      ...contextOptions(clientCas, policy),
    })
    contexts.set(certificate, context)
    return context
  }
  return {
    identity: {},
    byName,
    contexts,
    twins,
    clientCas,
    find(name, policy) {
      const id = coveringNames(name)
        .map((covering) => byName.get(covering))
        .find((found) => found !== undefined)
      const certificate = certificates.get(id ?? '')
      return certificate && open(certificate, policy)
    },
    isOneOfTwo: (certificate) => twins.size > 0 && twins.has(fingerprintOf(certificate)),
    digest: () => `${digestOf(certificates)} ${digestOf(snis)}`,
  }
}

export const contextOptions = (clientCas: ClientCaList | undefined, policy: TlsPolicy) => ({
  ...policy,
  ...(clientCas === undefined ? {} : { ca: [...clientCas.authorities] }),
})

const digests = new WeakMap<object, string>()

/** Costs what differs from lists whose digests are known. */
const digestOf = (list: RadixMap<object>): string =>
  list.fold(digests, {
    leaf: (items) => sha256(items.map((item) => sha256(canonicalText(item))).join()),
    branch: (codes, parts) => sha256(parts.map((part, at) => `${codes[at]} ${part}`).join()),
  })

const fingerprintOf = (certificate: Buffer): string => hash('sha256', certificate, 'base64')

const sha256 = (text: string): string => hash('sha256', text, 'base64')

/** The matching SNI names, most specific first, as in Kong. */
function coveringNames(name: string): string[] {
  const first = name.indexOf('.')
  const last = name.lastIndexOf('.')
  const wildcards = first < 0 ? [] : [`*${name.slice(first)}`, `${name.slice(0, last)}.*`]
  return [name, ...wildcards, '*']
}
