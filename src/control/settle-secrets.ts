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
    const isGiven = given[field] !== undefined && given[field] !== null
    const mayBeUnset = field === 'password' || fields[field] === null
    if (!isGiven && before !== undefined && fields[field] !== null) {
      settled[field] = before.fields[field] ?? null
    } else if (!isGiven && mayBeUnset) {
      settled[field] = null
    } else {
      const clear = isGiven ? String(fields[field]) : randomSecret(24)
      settled[field] = field === 'token' ? hashSecret(clear) : clear
      if (field === 'token') revealed[field] = clear
    }
  }
  return { fields: settled, revealed }
}
