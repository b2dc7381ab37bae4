import { z } from 'zod'
import { schemaViolation } from '../../entities/kong-problem.ts'
import { violationsOf } from '../../entities/violations.ts'
import type { RequestContext } from '../admin-route.ts'

const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text !== 'false' && text !== '0')
const number = z.coerce.number().int().min(0)
const words = z.string().transform((text) => text.split(',').filter((word) => word !== ''))

const options = z.object({
  /** Only RBAC entities, as decK's flag of this name. */
  rbac_resources_only: flag.default(false),
  /** Does not delete entities that the document omits. */
  keep_rest: flag.default(false),
  /** Allows a sync after which the workspace, or what the tags select of it, has no entities. */
  allow_empty: flag.default(false),
  /** The message of the revision. */
  message: z.string().min(1).max(1000).optional(),
  /** The revision that the change is based on; the change fails when it is not current. */
  revision: number.optional(),
  tags: words.optional(),
  with_id: flag.default(false),
  size: number.min(1).max(1000).default(50),
  below: number.optional(),
  window: z.string().default('24h'),
})

/** Parses the query parameters that the `/config` routes share. */
export function configOptions({
  request,
}: Pick<RequestContext, 'request'>): z.output<typeof options> {
  const parsed = options.safeParse(request.query)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  return parsed.data
}
