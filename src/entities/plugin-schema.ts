import type { z } from 'zod'
import { isRecord } from '../lib/is-record.ts'
import type { PartialType } from './redis-settings.ts'
import type { Violations } from './violations.ts'

/** A plugin without its code, for validation and forms. */
export type PluginSchema = {
  readonly name: string
  /** One sentence for forms, OpenAPI and the reference. */
  readonly about: string
  readonly settings: z.ZodObject
  /** The settings with rules that are checked in what clients send; stored settings may be older than a rule. */
  readonly acceptedSettings?: z.ZodObject
  readonly shorthands?: Shorthands
  /** The types of partials that it can be linked to, each with the settings that they can replace, such as `config.redis`; the first is the default. */
  readonly supportedPartials?: SupportedPartials
  /** Fields of the plugin entity that must be null. */
  readonly withoutScopes?: readonly PluginScope[]
  /** Whether it acts on streams (TCP, TLS, UDP) too. */
  readonly actsOnStreams?: boolean
}

export type SupportedPartials = { readonly [Type in PartialType]?: readonly string[] }

export type PluginScope = 'service' | 'route' | 'consumer' | 'consumer_group'

/** Deprecated names of settings, each with its place now, such as `redis_host` with `redis`, `host`. */
export type Shorthands = Readonly<Record<string, readonly [record: string, field: string]>>

type Config = Readonly<Record<string, unknown>>

/** Replaces deprecated names in settings that a client sends. As in Kong, both names may be given with the same value. */
export function expandShorthands(
  config: Config,
  shorthands: Shorthands = {},
): { readonly config: Config; readonly violations: Violations } {
  const expanded: Record<string, unknown> = { ...config }
  const violations: Violations = {}
  for (const [name, [record, field]] of Object.entries(shorthands)) {
    if (!Object.hasOwn(config, name)) continue
    const value = config[name]
    delete expanded[name]
    const inner = expanded[record] ?? {}
    if (value === null || value === undefined || !isRecord(inner)) continue
    const present = inner[field] ?? value
    if (present !== value)
      violations[name] =
        `both deprecated and new field are used but their values mismatch: ${name} = ${plain(value)} vs ${record}.${field} = ${plain(present)}`
    expanded[record] = { ...inner, [field]: present }
  }
  return { config: expanded, violations }
}

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)
