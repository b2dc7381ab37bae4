import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import type { Body } from './operation.ts'

/** The time to live of an API key is given from now on and kept from the creation of the key, which never moves; 0 is none. */
export function keptTtl(
  entity: Entity,
  given: Body,
  { createdAt, updatedAt }: Pick<Entry, 'createdAt' | 'updatedAt'>,
): Record<string, unknown> {
  const { ttl } = given
  if (entity.name !== 'key-auth' || typeof ttl !== 'number') return {}
  return { ttl: ttl === 0 ? null : updatedAt - createdAt + ttl }
}

/** Seconds that an API key has left, or null when it never ends. */
export function remainingTtl(entry: Entry, now: number): number | null {
  const ttl = entry.fields['ttl'] as number | null
  return ttl === null ? null : Math.max(0, entry.createdAt + ttl - now)
}
