import type { Configuration } from '../../control/configuration.ts'
import type { Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Asked } from '../admin-route.ts'
import { canReadSecrets } from './can-read-secrets.ts'

/** An entry as the Admin API answers it to a principal: every field, null where unset; secrets as far as the entity reveals them to readers or, when they may change it, to writers. */
export function presentTo(asked: Asked, entity: Entity, entry: Entry): Record<string, unknown> {
  const { configuration } = asked
  const presented: Record<string, unknown> = {
    id: entry.id,
    ...entry.fields,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
  if (entity.secret.length > 0 && !canReadSecrets(asked, entity, entry, asked.place)) {
    for (const field of entity.secret) delete presented[field]
  }
  const own = entity.present?.(entry, {
    lookup: configuration.lookup,
    now: secondsOf(configuration),
  })
  return own === undefined ? presented : { ...presented, ...own }
}

/** An entry as the Admin API answers it to everybody who may read it. */
export function presentEntry(entity: Entity, entry: Entry): Record<string, unknown> {
  const fields = Object.entries(entry.fields).filter(([field]) => !entity.secret.includes(field))
  return {
    id: entry.id,
    ...Object.fromEntries(fields),
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
}

/** The time by the clock of a configuration, in seconds since the epoch. */
export const secondsOf = ({ clock }: Pick<Configuration, 'clock'>): number =>
  Math.floor(clock.now() / 1000)
