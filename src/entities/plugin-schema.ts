import type { z } from 'zod'

/** A plugin without its code, for validation and forms. */
export type PluginSchema = {
  readonly name: string
  /** One sentence for forms, OpenAPI and the reference. */
  readonly about: string
  readonly settings: z.ZodObject
}
