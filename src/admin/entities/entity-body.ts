import type { z } from 'zod'
import type { Body } from '../../entities/hooks.ts'
import { isRecord } from '../../lib/is-record.ts'
import type { Entity } from '../../entities/entities.ts'
import type { RequestContext } from '../admin-route.ts'
import { inferType } from './infer-type.ts'
import { bodyFields } from './make-change.ts'

/** Form values are text; they are converted to the types of the schema. */
export function entityBody(context: RequestContext, entity: Entity): Body {
  const body = bodyFields(context)
  const isForm = !/\bjson\b/i.test(context.request.headers['content-type'] ?? 'json')
  if (!isForm) return body
  const typed = inferType(body, entity.fields) as Body
  const settings = settingsOf(context, entity, typed)
  return settings === undefined ? typed : { ...typed, config: inferType(typed['config'], settings) }
}

/** The schema depends on the name in the body, otherwise on the stored name. */
function settingsOf(
  { configuration, entry }: RequestContext,
  entity: Entity,
  body: Body,
): z.ZodObject | undefined {
  if (!isRecord(body['config'])) return undefined
  const { configBy: by = 'name' } = entity
  const name = body[by] ?? entry?.fields[by]
  return entity.configSchema?.(name, configuration.catalog)
}
