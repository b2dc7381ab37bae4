import { Problem } from '../lib/problem.ts'
import { isReference, parseReference, type SecretReference } from '../entities/secret-reference.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** A vault as snapshots hold it. */
export type SnapshotVault = Snapshot['vaults'][number]

/** A reference of a snapshot with the vault it leads to; undefined for the variables of the environment. */
export type VaultReference = SecretReference & {
  readonly text: string
  readonly workspace: string
  readonly vault: string
  readonly held: SnapshotVault | undefined
}

/** A snapshot with secrets in the place of references, and the plugins for which there were none, with the reason. */
export type ResolvedSnapshot = {
  readonly snapshot: Snapshot
  readonly withheld: ReadonlyMap<string, string>
}

/** What is to be had for a reference: the secret, or why there is none. */
export type SecretResult = { readonly secret: string } | { readonly reason: string }

/** Every reference of a snapshot, once for each workspace; throws a Problem for one that is malformed or leads to no vault of its workspace. */
export function collectReferences(snapshot: Snapshot): VaultReference[] {
  const vaults = new Map(
    snapshot.vaults.map((vault) => [`${vault.workspace} ${vault.prefix}`, vault]),
  )
  const wanted = new Map<string, VaultReference>()
  for (const [about, workspace, value] of holders(snapshot)) {
    visit(value, (text) => {
      const reference = parseReference(text)
      if (reference === undefined) throw refusal(about, `${text} is no reference to a secret`)
      const held = vaults.get(`${workspace} ${reference.vault}`)
      if (held === undefined && reference.vault !== 'env')
        throw refusal(about, `there is no vault '${reference.vault}' in its workspace`)
      wanted.set(`${workspace} ${text}`, { ...reference, text, workspace, held })
    })
  }
  return [...wanted.values()]
}

/** A snapshot in which secrets stand in the place of references. Certificates for which there are none are left out. */
export function replaceReferences(
  snapshot: Snapshot,
  have: (workspace: string, text: string) => SecretResult,
): ResolvedSnapshot {
  const withheld = new Map<string, string>()
  const fill = (workspace: string, onMissing: (reason: string) => void) => (text: string) => {
    const had = have(workspace, text)
    if ('secret' in had) return had.secret
    onMissing(had.reason)
    return text
  }
  const plugins = snapshot.plugins.map((plugin) => {
    const onMissing = (reason: string): void => void withheld.set(plugin.id, reason)
    return { ...plugin, config: replace(plugin.config, fill(plugin.workspace, onMissing)) }
  })
  const certificates = snapshot.certificates.flatMap((certificate) => {
    let isWhole = true
    const onMissing = (): void => void (isWhole = false)
    const filled = replace(certificate, fill(certificate.workspace, onMissing))
    return isWhole ? [filled] : []
  })
  return { snapshot: { ...snapshot, plugins, certificates }, withheld }
}

/** Whose values may be references: what each is called in sentences, its workspace, the value. */
const holders = ({ plugins, certificates }: Snapshot): (readonly [string, string, unknown])[] => [
  ...plugins.map((plugin) => {
    return [`plugin ${plugin.id} (${plugin.name})`, plugin.workspace, plugin.config] as const
  }),
  ...certificates.map((certificate) => {
    return [`certificate ${certificate.id}`, certificate.workspace, certificate] as const
  }),
]

function visit(value: unknown, onReference: (text: string) => void): void {
  if (isReference(value)) onReference(value)
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) visit(inner, onReference)
}

/** A value in which every reference is replaced; the same value when there is none. */
function replace<Value>(value: Value, fill: (text: string) => string): Value {
  if (isReference(value)) return fill(value) as Value
  if (typeof value !== 'object' || value === null) return value
  let isSame = true
  const changed = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const next = replace(inner as unknown, fill)
    if (next !== inner) isSame = false
    return [key, next]
  })
  if (isSame) return value
  return (
    Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed)
  ) as Value
}

const refusal = (about: string, reason: string): Problem =>
  new Problem('secrets.reference', 400, `${about}: ${reason}`)
