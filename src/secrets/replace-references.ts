import { RadixMap } from '../lib/radix-map.ts'
import { Problem } from '../lib/problem.ts'
import { isReference, parseReference, type SecretReference } from '../entities/secret-reference.ts'
import type { Snapshot, SnapshotItem } from '../schema/snapshot.ts'

export type SnapshotVault = SnapshotItem<'vaults'>

/** A reference of a snapshot with the definition of its vault; undefined for the built-in vault `env`. */
export type VaultReference = SecretReference & {
  readonly text: string
  readonly workspace: string
  readonly vault: string
  readonly definition: SnapshotVault | undefined
}

/** A snapshot with references replaced by secrets. `withheld` maps ids of plugins without their secrets to the reason. */
export type ResolvedSnapshot = {
  readonly snapshot: Snapshot
  readonly withheld: RadixMap<string>
}

/** A secret, or the reason why it is unavailable. */
export type SecretResult = { readonly secret: string } | { readonly reason: string }

/** The distinct references of a snapshot per workspace. Throws a Problem for a malformed reference, or one to a vault that its workspace does not lookUp. */
export function collectReferences(snapshot: Snapshot): VaultReference[] {
  const vaults = new Map(
    [...snapshot.vaults.values()].map((vault) => [`${vault.workspace} ${vault.prefix}`, vault]),
  )
  const wanted = new Map<string, VaultReference>()
  for (const [about, workspace, value] of holders(snapshot)) {
    visit(value, (text) => {
      const reference = parseReference(text)
      if (reference === undefined)
        throw refusal(about, `${text} is not a valid reference to a secret`)
      const definition = vaults.get(`${workspace} ${reference.vault}`)
      if (definition === undefined && reference.vault !== 'env')
        throw refusal(about, `there is no vault '${reference.vault}' in its workspace`)
      wanted.set(`${workspace} ${text}`, { ...reference, text, workspace, definition })
    })
  }
  return [...wanted.values()]
}

/** Replaces references by secrets. Certificates with unavailable secrets are omitted. */
export function replaceReferences(
  snapshot: Snapshot,
  lookUp: (workspace: string, text: string) => SecretResult,
): ResolvedSnapshot {
  let withheld = RadixMap.empty<string>()
  const fill = (workspace: string, onMissing: (reason: string) => void) => (text: string) => {
    const result = lookUp(workspace, text)
    if ('secret' in result) return result.secret
    onMissing(result.reason)
    return text
  }
  let { plugins, certificates } = snapshot
  for (const plugin of snapshot.plugins.values()) {
    const onMissing = (reason: string): void => void (withheld = withheld.with(plugin.id, reason))
    const config = replace(plugin.config, fill(plugin.workspace, onMissing))
    if (config !== plugin.config) plugins = plugins.with(plugin.id, { ...plugin, config })
  }
  for (const certificate of snapshot.certificates.values()) {
    let isComplete = true
    const onMissing = (): void => void (isComplete = false)
    const filled = replace(certificate, fill(certificate.workspace, onMissing))
    if (!isComplete) certificates = certificates.without(certificate.id)
    else if (filled !== certificate) certificates = certificates.with(certificate.id, filled)
  }
  return { snapshot: { ...snapshot, plugins, certificates }, withheld }
}

/** The objects that may contain references: label for errors, workspace, value. */
const holders = ({ plugins, certificates }: Snapshot): (readonly [string, string, unknown])[] => [
  ...[...plugins.values()].map((plugin) => {
    return [`plugin ${plugin.id} (${plugin.name})`, plugin.workspace, plugin.config] as const
  }),
  ...[...certificates.values()].map((certificate) => {
    return [`certificate ${certificate.id}`, certificate.workspace, certificate] as const
  }),
]

function visit(value: unknown, onReference: (text: string) => void): void {
  if (isReference(value)) onReference(value)
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) visit(inner, onReference)
}

/** Replaces every reference in a value; returns the same object when it has none. */
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
