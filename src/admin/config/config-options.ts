import { z } from 'zod'
import { schemaViolation } from '../../entities/kong-problem.ts'
import { violationsOf } from '../../entities/violations.ts'
import type { Asked } from '../admin-route.ts'

const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text !== 'false' && text !== '0')
const number = z.coerce.number().int().min(0)
const words = z.string().transform((text) => text.split(',').filter((word) => word !== ''))

const options = z.object({
  /** Only the roles of people, instead of what traffic passes. */
  rbac_resources_only: flag.default(false),
  /** Leave alone what the document does not speak of. */
  keep_rest: flag.default(false),
  /** What the maker of a change says about it. */
  message: z.string().min(1).max(1000).optional(),
  /** The revision on which a plan was seen. */
  revision: number.optional(),
  tags: words.optional(),
  with_id: flag.default(false),
  size: number.min(1).max(1000).default(50),
  below: number.optional(),
  window: z.string().default('24h'),
})

/** What a request about the configuration as a whole says in its query string. */
export function configOptions({ request }: Pick<Asked, 'request'>): z.output<typeof options> {
  const parsed = options.safeParse(request.query)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  return parsed.data
}
