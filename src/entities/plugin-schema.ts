import type { z } from 'zod'

/** A policy as those know it who only validate and show: its name and the schema of its settings. */
export type PluginSchema = {
  readonly name: string
  /** One sentence for people. */
  readonly about: string
  readonly settings: z.ZodObject
}
