import type { z } from 'zod'
import type { Body } from '../../entities/hooks.ts'
import { isRecord } from '../../lib/is-record.ts'
import type { Entity } from '../../entities/entities.ts'
import { labelOf } from '../../entities/entry.ts'
import type { Asked } from '../admin-route.ts'
import { inferType } from './infer-type.ts'
import { bodyIn } from './make-change.ts'

/** The body of a request about an entity. Forms know only text, so their values get the types that the schema expects. */
export function entityBody(asked: Asked, entity: Entity): Body {
  const body = bodyIn(asked)
  const isForm = !/\bjson\b/i.test(asked.request.headers['content-type'] ?? 'json')
  if (!isForm) return body
  const typed = inferType(body, entity.fields) as Body
  const settings = settingsOf(asked, entity, typed)
  return settings === undefined ? typed : { ...typed, config: inferType(typed['config'], settings) }
}

/** The schema of a plugin's or vault's settings: by the name it is given, else by the one it has. */
function settingsOf(
  { configuration, entry }: Asked,
  entity: Entity,
  body: Body,
): z.ZodObject | undefined {
  if (!isRecord(body['config'])) return undefined
  const name = body['name'] ?? (entry && labelOf(entry))
  return entity.configSchema?.(name, configuration.catalog)
}
