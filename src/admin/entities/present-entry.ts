import type { Configuration } from '../../control/configuration.ts'
import type { Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { RequestContext } from '../admin-route.ts'
import { canReadSecrets } from './can-read-secrets.ts'

/** Unset fields are null; secrets are removed unless `canReadSecrets` allows them. */
export function presentTo(
  context: RequestContext,
  entity: Entity,
  entry: Entry,
): Record<string, unknown> {
  const { configuration } = context
  const presented: Record<string, unknown> = {
    id: entry.id,
    ...entry.fields,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
  if (entity.secret.length > 0 && !canReadSecrets(context, entity, entry, context.workspaceRef)) {
    for (const field of entity.secret) delete presented[field]
  }
  const own = entity.present?.(entry, {
    lookup: configuration.lookup,
    now: secondsOf(configuration),
  })
  return own === undefined ? presented : { ...presented, ...own }
}

/** Without any secret. */
export function presentEntry(entity: Entity, entry: Entry): Record<string, unknown> {
  const fields = Object.entries(entry.fields).filter(([field]) => !entity.secret.includes(field))
  return {
    id: entry.id,
    ...Object.fromEntries(fields),
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
  }
}

export const secondsOf = ({ clock }: Pick<Configuration, 'clock'>): number =>
  Math.floor(clock.now() / 1000)
