import { z } from 'zod'
import { schemaViolation } from '../../entities/kong-problem.ts'
import type { AuditFilter } from '../../schema/audit-record.ts'
import { action } from '../../entities/action.ts'
import { violationsOf } from '../../entities/violations.ts'

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, { error: 'expected an integer' })
  .transform(Number)

/** Seconds or milliseconds since the epoch, or ISO 8601. */
const time = z.string().transform((text, context) => {
  const number = /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isNaN(number)) return number < 1e11 ? number * 1000 : number
  context.addIssue({ code: 'custom', message: 'expected a time, such as 2026-01-31T12:00:00Z' })
  return z.NEVER
})

const boolean = z
  .enum(['true', 'false'], { error: 'expected one of: true, false' })
  .transform((text) => text === 'true')

const query = z.strictObject({
  size: wholeNumber
    .refine((size) => size >= 1 && size <= 1000, {
      error: 'size must be an integer between 1 and 1000',
    })
    .default(100),
  offset: wholeNumber.optional(),
  after: time.optional(),
  before: time.optional(),
  principal: z.string().min(1).optional(),
  action: action.optional(),
  allowed: boolean.optional(),
  status: wholeNumber.optional(),
  method: z.string().toUpperCase().optional(),
  path: z.string().min(1).optional(),
  request_id: z.string().min(1).optional(),
  revision: wholeNumber.optional(),
  workspace: z.string().min(1).optional(),
})

export type AuditQuery = {
  readonly filter: AuditFilter
  readonly size: number
  readonly workspace: string | undefined
}

/** As in Kong, `after` and `before` filter by time. */
export function readAuditQuery(given: unknown): AuditQuery {
  const parsed = query.safeParse(given)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  const { size, workspace, offset, after, before, request_id: requestId, ...same } = parsed.data
  return { size, workspace, filter: { ...same, below: offset, from: after, to: before, requestId } }
}
