import { z } from 'zod'

export const action = z.enum(['create', 'read', 'update', 'delete'])

export type Action = z.output<typeof action>
