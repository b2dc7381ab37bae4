import { isRecord } from '../lib/is-record.ts'
import type { AnyFields } from './declaration.ts'

/** A link of a plugin to a partial, whose settings are those at `path`. */
export type PluginLink = {
  readonly id: string
  /** For example `config.redis`; null until the plugin is known. */
  readonly path: string | null
}

/** The settings of a plugin with those of its partials, as it runs with them. */
export function fillConfig(
  config: AnyFields,
  links: readonly PluginLink[] | null | undefined,
  configOf: (id: string) => AnyFields | undefined,
): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...config }
  for (const { id, path } of links ?? []) {
    const shared = configOf(id)
    if (shared !== undefined) filled[settingAt(path ?? '')] = settingsFor(shared)
  }
  return filled
}

/** The name of the setting at a path such as `config.redis`. */
export const settingAt = (path: string): string => path.replace(/^config\./, '')

/** Unset settings are absent, as plugins have defaults of their own for them. */
export const settingsFor = (config: AnyFields): unknown => withoutNulls(config)

export const withoutNulls = (value: unknown): unknown =>
  isRecord(value)
    ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null))
    : value
