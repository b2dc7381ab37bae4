import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import type { Secrets } from '../secrets/open-secrets.ts'
import { substitute, wantedBy, type Substituted } from '../secrets/substitute.ts'

/** A snapshot with the secrets it refers to. Plugins whose settings do not hold with them are withheld like those without. */
export async function fillSnapshot(
  snapshot: Snapshot,
  secrets: Secrets,
  catalog: readonly PluginSchema[],
): Promise<Substituted> {
  const filled = await secrets.fill(snapshot)
  const withheld = new Map(filled.withheld)
  filled.snapshot.plugins.forEach(({ id, name, config }, index) => {
    if (config === snapshot.plugins[index]?.config || withheld.has(id)) return
    const settings = catalog.find((schema) => schema.name === name)?.settings
    if (settings?.safeParse(config).success === false)
      withheld.set(id, 'its settings do not hold with the secret that is there')
  })
  return { snapshot: filled.snapshot, withheld }
}

/** A snapshot as it can be tried where its secrets are not to be had; throws a Problem for a reference that leads nowhere. */
export function withoutSecrets(snapshot: Snapshot): Substituted {
  const wanted = wantedBy(snapshot)
  if (wanted.length === 0) return { snapshot, withheld: new Map() }
  return substitute(snapshot, () => ({ reason: '' }))
}
