import type { z } from 'zod'
import type { Body } from '../control/operation.ts'
import { isRecord } from '../control/parse-fields.ts'
import type { Entity } from '../schema/entity.ts'
import { vaultKindNamed } from '../schema/vault.ts'
import type { Asked } from './admin-route.ts'
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
  const name = body['name'] ?? entry?.fields['name']
  if (entity.name === 'vault') return vaultKindNamed(name)?.settings
  if (entity.name !== 'plugin') return undefined
  return configuration.catalog.find((schema) => schema.name === name)?.settings
}
