import type { Configuration } from '../../control/configuration.ts'
import type { Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Body } from '../../entities/hooks.ts'
import { isRecord } from '../../lib/is-record.ts'
import { readableLookup } from '../../control/reader.ts'
import type { RequestContext } from '../admin-route.ts'
import { canReadSecrets } from './can-read-secrets.ts'

/** Unset fields are null; secrets are removed unless `canReadSecrets` allows them. */
export function presentTo(
  context: RequestContext,
  entity: Entity,
  entry: Entry,
): Record<string, unknown> {
  const { configuration, principal } = context
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
    lookup: readableLookup(configuration.lookup, configuration.readerFor(principal)),
    now: secondsOf(configuration),
  })
  const shown = { ...presented, ...own }
  return { ...shown, ...shorthandsIn(entity, shown, configuration) }
}

/** The settings with their deprecated names too: decK compares those that its file has. */
function shorthandsIn(
  entity: Entity,
  fields: Body,
  { catalog }: Pick<Configuration, 'catalog'>,
): Record<string, unknown> {
  const { config }: Body = fields
  const shorthands = entity.configShorthands?.(fields, catalog)
  if (shorthands === undefined || !isRecord(config)) return {}
  const named = Object.entries(shorthands).map(([name, [record, field]]) => {
    const inner = config[record]
    return [name, isRecord(inner) ? (inner[field] ?? null) : null] as const
  })
  return { config: { ...config, ...Object.fromEntries(named) } }
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
