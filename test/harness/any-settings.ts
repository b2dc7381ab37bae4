import { z } from 'zod'
import { referenceable } from '../../src/entities/referenceable-fields.ts'

/** Settings of a plugin whose every field is referenceable. */
export const anySettings = z.object({}).catchall(referenceable(z.any()))
