import { RadixMap } from '../lib/radix-map.ts'
import { compileProgram, type ProgramTools } from '../proxy/program.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Secrets } from '../secrets/open-secrets.ts'
import {
  replaceReferences,
  collectReferences,
  type ResolvedSnapshot,
} from '../secrets/replace-references.ts'

/** Replaces vault references by their secrets. A plugin is withheld when a secret is missing, or when its settings are not valid with the secret. */
export async function resolveReferences(
  snapshot: Snapshot,
  secrets: Pick<Secrets, 'fill'>,
  catalog: readonly PluginSchema[],
): Promise<ResolvedSnapshot> {
  const resolved = await secrets.fill(snapshot)
  let { withheld } = resolved
  for (const { key: id, after } of snapshot.plugins.differencesTo(resolved.snapshot.plugins)) {
    if (after === undefined || withheld.has(id)) continue
    const { name, config } = after
    const settings = catalog.find((schema) => schema.name === name)?.settings
    if (settings?.safeParse(config).success === false)
      withheld = withheld.with(
        id,
        'its settings are not valid with the secret that the reference leads to',
      )
  }
  return { snapshot: resolved.snapshot, withheld }
}

/** Proves that every node of this version can run a snapshot, where its secrets are not available: throws a Problem for what does not compile, and for a reference that leads nowhere. */
export function checkCompiles(
  snapshot: Snapshot,
  tools: Pick<ProgramTools, 'catalog' | 'counters' | 'clock'>,
): void {
  const hasReferences = collectReferences(snapshot).length > 0
  const { snapshot: known, withheld } = hasReferences
    ? replaceReferences(snapshot, () => ({ reason: '' }))
    : { snapshot, withheld: RadixMap.empty<string>() }
  compileProgram(known, 0, { ...tools, withheld }).close()
}
