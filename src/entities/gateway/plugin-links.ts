import { z } from 'zod'
import type { AnyFields } from '../declaration.ts'
import { uuid } from '../fields.ts'
import type { Body, Lookup } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import type { PluginSchema, SupportedPartials } from '../plugin-schema.ts'
import type { PartialType } from '../redis-settings.ts'
import { isRecord } from '../../lib/is-record.ts'
import { canonicalText } from '../../lib/canonical-text.ts'
import { settingAt, settingsFor, withoutNulls, type PluginLink } from '../linked-settings.ts'
import { partial } from './partial.ts'

/** A link in a body has the id or the name of a partial. */
export const pluginLink = () =>
  z
    .strictObject({
      id: uuid().nullish(),
      name: z.string().min(1).nullish(),
      path: z.string().min(1).nullish(),
    })
    .refine(({ id, name }) => (id ?? name ?? undefined) !== undefined, {
      error: 'expected a record with an id or a name',
    })
    .transform(({ id, name, path }) => {
      const reference = (id ?? undefined) === undefined ? { name } : { id }
      return { ...reference, path: path ?? null } as unknown as PluginLink
    })

/** The body of a plugin with the settings of its partials in place, as they are validated; its links have ids. Throws for a partial that the plugin cannot use. */
export function fillLinks(
  body: Body,
  {
    lookup,
    workspace,
    catalog,
  }: {
    readonly lookup: Lookup
    readonly workspace: string | null
    readonly catalog: readonly PluginSchema[]
  },
): Body {
  const { data: given = [] } = z.array(pluginLink()).safeParse(body['partials'])
  const ownSettings = body['config'] ?? {}
  if (given.length === 0 || !isRecord(ownSettings)) return body
  const supported = catalog.find(({ name }) => name === body['name'])?.supportedPartials ?? {}
  const config: Record<string, unknown> = { ...ownSettings }
  const links: PluginLink[] = []
  for (const link of given) {
    const found = lookup.find(partial, { workspace, at: link.id })
    if (found === undefined) continue
    const path = pathOf(link, found.fields.type, supported)
    if (links.some((other) => other.path === path))
      throw schemaViolation({ partials: `more than one partial for ${path}` })
    const setting = settingAt(path)
    config[setting] = sharedSettings(config[setting], found.fields.config, setting)
    links.push({ id: link.id, path })
  }
  return { ...body, config, partials: links }
}

/** The setting that a link replaces, if the plugin can be linked to such a partial there. */
function pathOf({ path }: PluginLink, type: PartialType, supported: SupportedPartials): string {
  const paths = supported[type] ?? []
  const [first = ''] = paths
  const wanted = path ?? first
  if (paths.includes(wanted)) return wanted
  throw schemaViolation({
    partials:
      paths.length === 0
        ? `the plugin does not support partials of type ${type}`
        : `a partial of type ${type} can be linked at ${paths.join(', ')}`,
  })
}

/** The settings of a partial. A plugin may repeat them, because clients write back what they have read. */
function sharedSettings(own: unknown, shared: AnyFields, setting: string): unknown {
  const filled = settingsFor(shared)
  const isRepeated = canonicalText(withoutNulls(own ?? null)) === canonicalText(filled)
  if ((own ?? null) === null || isRepeated) return filled
  throw schemaViolation({ config: { [setting]: 'is set by a partial' } })
}

/** The settings of a plugin itself. */
export function ownConfig(config: Body, links: readonly PluginLink[]): Record<string, unknown> {
  const shared = new Set(links.map(({ path }) => settingAt(path ?? '')))
  return Object.fromEntries(Object.entries(config).filter(([name]) => !shared.has(name)))
}
