import type { Configuration } from '../control/configuration.ts'
import { entityNamed } from '../control/entity-named.ts'
import { remainingTtl } from '../control/key-ttl.ts'
import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import type { Asked } from './admin-route.ts'
import { isOfBrowser } from './authorize.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './ask-of.ts'

/** An entry as the Admin API answers it to whoever asks: every field, null where unset; secrets as far as the entity reveals them to readers or, when they may change it, to writers. */
export function presentTo(asked: Asked, entity: Entity, entry: Entry): Record<string, unknown> {
  const { configuration } = asked
  const presented: Record<string, unknown> = {
    id: entry.id,
    ...entry.fields,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
  if (entity.secret.length > 0 && !isRevealed(asked, entity, entry)) {
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

/** Whether the asker is shown the secrets of an entry. What only writers are shown never goes to a browser, where pages and extensions could read it. */
function isRevealed(asked: Asked, { name, reveals }: Entity, entry: Entry): boolean {
  if (reveals !== 'writers') return reveals === 'readers'
  const { configuration, principal, place, request } = asked
  if (isOfBrowser(request)) return false
  const segment = segmentOf(name, entry)
  const home = homeOf(name, place, segment, entry)
  const ask = askAbout([name, entry], home, ownPath(name, segment), 'update')
  return configuration.judge(principal, { ask }).allowed
}

function serverNames(configuration: Configuration, { id, workspace }: Entry): string[] {
  const within = { field: 'certificate', id }
  const snis = configuration.list({ entity: 'sni', workspace, within })
  return snis.map(({ fields }) => String(fields[entityNamed('sni').key ?? ''])).toSorted()
}
