import type { Configuration } from '../control/configuration.ts'
import { remainingTtl } from '../control/key-ttl.ts'
import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'

/** Entities whose secrets are answered to those who may read them, as in Kong. */
const answersSecrets: ReadonlySet<string> = new Set(['key-auth'])

/** An entry as the Admin API answers it: every field, null where unset, without its secrets. */
export function presentEntry(entity: Entity, entry: Entry, now: number): Record<string, unknown> {
  const presented: Record<string, unknown> = {
    id: entry.id,
    ...entry.fields,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
  if (!answersSecrets.has(entity.name)) for (const field of entity.secret) delete presented[field]
  if (entity.name === 'key-auth') presented['ttl'] = remainingTtl(entry, now)
  return presented
}

/** The time by the clock of a configuration, in seconds since the epoch. */
export const secondsOf = ({ clock }: Pick<Configuration, 'clock'>): number =>
  Math.floor(clock.now() / 1000)
