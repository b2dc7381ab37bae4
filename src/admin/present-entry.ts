import type { Configuration } from '../control/configuration.ts'
import { entityNamed } from '../control/entity-named.ts'
import { remainingTtl } from '../control/key-ttl.ts'
import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import type { Asked } from './admin-route.ts'
import { tellsSecrets } from './tells-secrets.ts'

/** An entry as the Admin API answers it to whoever asks: every field, null where unset; secrets as far as the entity reveals them to readers or, when they may change it, to writers. */
export function presentTo(asked: Asked, entity: Entity, entry: Entry): Record<string, unknown> {
  const { configuration } = asked
  const presented: Record<string, unknown> = {
    id: entry.id,
    ...entry.fields,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
  if (entity.secret.length > 0 && !tellsSecrets(asked, [entity.name, entry], asked.place)) {
    for (const field of entity.secret) delete presented[field]
  }
  if (entity.name === 'key-auth') {
    presented['ttl'] = remainingTtl(entry, secondsOf(configuration))
  }
  if (entity.name === 'certificate') presented['snis'] = serverNames(configuration, entry)
  return presented
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

function serverNames(configuration: Configuration, { id, workspace }: Entry): string[] {
  const within = { field: 'certificate', id }
  const snis = configuration.list({ entity: 'sni', workspace, within })
  return snis.map(({ fields }) => String(fields[entityNamed('sni').key ?? ''])).toSorted()
}
