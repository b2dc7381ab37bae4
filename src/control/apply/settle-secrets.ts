import type { Entity } from '../../entities/entities.ts'
import type { AnyFields } from '../../entities/declaration.ts'
import type { Body } from '../../entities/hooks.ts'
import type { Operation } from '../../entities/operation.ts'
import { randomSecret } from '../../lib/ids.ts'
import { entityTools } from './entity-tools.ts'

/** Fills generated fields with random values and replaces secrets by their hashes. `revealed` holds the clear values that are answered once. */
export function settleSecrets(
  entity: Entity,
  fields: AnyFields,
  given: Body,
  { isHashed }: Pick<Operation, 'isHashed'>,
): { fields: Record<string, unknown>; revealed: Record<string, string> } {
  const fresh = new Set((entity.generated ?? []).filter((field) => fields[field] === undefined))
  const generated = [...fresh].map((field) => [field, randomSecret(24)] as const)
  const settled: Record<string, unknown> = { ...fields, ...Object.fromEntries(generated) }
  const revealed: Record<string, string> = {}
  for (const field of entity.secret) {
    settled[field] ??= null
    const isNew = fresh.has(field) || (given[field] ?? null) !== null
    if (!isNew || isHashed === true) continue
    const clear = String(settled[field])
    const hash = entity.hashSecret?.(field, clear, settled, entityTools)
    if (hash === undefined) continue
    if (entity.reveals === undefined || fresh.has(field)) revealed[field] = clear
    settled[field] = hash
  }
  return { fields: settled, revealed }
}
