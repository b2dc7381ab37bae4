import { hashSecret } from '../identity/secret-hash.ts'
import { randomSecret } from '../lib/ids.ts'
import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'

/** Secrets of an entity as they are kept: one that is not given stays or is made, a token is kept as its hash. Passwords come hashed. */
export function settleSecrets(
  entity: Entity,
  fields: Record<string, unknown>,
  given: Readonly<Record<string, unknown>>,
  before: Entry | undefined,
): { fields: Record<string, unknown>; revealed: Record<string, string> } {
  const revealed: Record<string, string> = {}
  const settled = { ...fields }
  for (const field of entity.secret) {
    const isGiven = (given[field] ?? null) !== null
    if (!isGiven) settled[field] = kept(field, fields, before)
    const clear = isGiven ? String(fields[field]) : randomSecret(24)
    if (settled[field] === undefined || isGiven) {
      settled[field] = field === 'token' ? hashSecret(clear) : clear
      if (field === 'token') revealed[field] = clear
    }
  }
  return { fields: settled, revealed }
}

/** What a secret that is not given stays: null where nothing is there, undefined where one is to be made. */
function kept(
  field: string,
  fields: Readonly<Record<string, unknown>>,
  before: Entry | undefined,
): unknown {
  if (fields[field] === null) return null
  if (before !== undefined) return before.fields[field] ?? null
  return field === 'password' ? null : undefined
}
