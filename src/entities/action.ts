import { z } from 'zod'

/** What may be done to a thing, in Kong's words. */
export const action = z.enum(['create', 'read', 'update', 'delete'])

/** One of Kong's four actions. */
export type Action = z.output<typeof action>
