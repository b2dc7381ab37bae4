import type { z } from 'zod'
import type { Body } from '../control/operation.ts'
import { isRecord } from '../control/parse-fields.ts'
import type { Entity } from '../schema/entity.ts'
import type { Asked } from './admin-route.ts'
import { inferType } from './infer-type.ts'
import { bodyIn } from './make-change.ts'

/** The body of a request about an entity. Forms know only text, so their values get the types that the schema expects. */
export function entityBody(asked: Asked, entity: Entity): Body {
  const body = bodyIn(asked)
  const isForm = !/\bjson\b/i.test(asked.request.headers['content-type'] ?? 'json')
  if (!isForm) return body
  const typed = inferType(body, entity.fields) as Body
  const settings = settingsOf(asked, typed)
  return settings === undefined || entity.name !== 'plugin'
    ? typed
    : { ...typed, config: inferType(typed['config'], settings) }
}

/** The schema of a plugin's settings: by the name it is given, else by the one it has. */
function settingsOf({ configuration, entry }: Asked, body: Body): z.ZodObject | undefined {
  if (!isRecord(body['config'])) return undefined
  const name = body['name'] ?? entry?.fields['name']
  return configuration.catalog.find((schema) => schema.name === name)?.settings
}
