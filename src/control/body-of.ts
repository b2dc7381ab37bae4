import { z } from 'zod'
import type { Entity } from '../schema/entity.ts'
import { uuid, uuidPattern } from '../schema/fields.ts'
import { violationsOf } from '../schema/violations.ts'
import { expandEndpoint } from './check-permission.ts'
import { schemaViolation } from './kong-problem.ts'
import type { Body, Operation } from './operation.ts'
import { expandAlgorithm } from './expand-algorithm.ts'
import { expandRoute } from './expand-route.ts'
import { expandServiceUrl } from './service-url.ts'

/** What surrounds an entity, which Kong lets a caller give. Some clients send times with fractions. */
const surroundings = z.object({
  id: uuid().nullish(),
  created_at: z.number().min(0).nullish(),
  updated_at: z.number().min(0).nullish(),
})

/** Shorter ways to say something in a body. */
const expand: Readonly<Record<string, (body: Body) => Body>> = {
  service: expandServiceUrl,
  'endpoint-permission': expandEndpoint,
  upstream: expandAlgorithm,
  route: expandRoute,
}

/** The fields an operation gives: shorthands expanded, what surrounds an entity checked and taken away, what the path says put in. */
export function bodyOf(entity: Entity, { kind, body = {}, at, within }: Operation): Body {
  const parsed = surroundings.safeParse(body)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  const own = Object.entries(body).filter(([field]) => !(field in surroundings.shape))
  const given = Object.fromEntries(own)
  const isByKey = kind === 'replace' && at !== undefined && !uuidPattern.test(at)
  return {
    ...(expand[entity.name]?.(given) ?? given),
    ...(isByKey && entity.key !== undefined ? { [entity.key]: at } : {}),
    ...(within === undefined ? {} : { [within.field]: { id: within.id } }),
  }
}
