import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { entityName, optional, reference, tags } from '../fields.ts'
import { conditionError } from '../route-expression.ts'
import { fillConfig } from '../linked-settings.ts'
import { partial } from './partial.ts'
import { fillLinks, ownConfig, pluginLink } from './plugin-links.ts'

const requestProtocols = ['grpc', 'grpcs', 'http', 'https', 'ws', 'wss'] as const
const streamProtocols = ['tcp', 'tls', 'tls_passthrough', 'udp'] as const

export const plugin = defineEntity(
  {
    name: 'plugin',
    plural: 'plugins',
    about:
      'A plugin instance with its settings, applied to a service, a route, a consumer, a consumer group, a combination of these, or all requests of the workspace.',
    key: 'instance_name',
    unique: ['instance_name', ['name', 'service', 'route', 'consumer', 'consumer_group']],
    refersTo: {
      service: 'service',
      route: 'route',
      consumer: 'consumer',
      consumer_group: 'consumer-group',
    },
    sealed: ['config'],
    merged: ['config'],
    document: { sharesConfig: true },
    refersToMany: { partials: 'partial' },
    cascades: ['service', 'route', 'consumer', 'consumer_group'],
    fields: z.strictObject({
      name: z.string().min(1).describe('Name of the plugin, for example `rate-limiting`.'),
      instance_name: optional(entityName()).describe(
        'Name of this instance. Unique in the workspace; accepted in place of the id in paths.',
      ),
      service: optional(reference()).describe(
        'Apply only to requests of this service. Any service when null.',
      ),
      route: optional(reference()).describe(
        'Apply only to requests of this route. Any route when null.',
      ),
      consumer: optional(reference()).describe(
        'Apply only to requests of this consumer. Any consumer when null.',
      ),
      consumer_group: optional(reference()).describe(
        'Apply only to requests of consumers in this group.',
      ),
      config: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('Settings of the plugin; see /schemas/plugins/{name}. Merged by PATCH.'),
      partials: optional(z.array(pluginLink())).describe(
        'Partials whose settings the plugin uses: each with `id` or `name`, and `path`, the setting that it replaces.',
      ),
      protocols: z
        .array(z.enum([...requestProtocols, ...streamProtocols]))
        .min(1)
        .default(['grpc', 'grpcs', 'http', 'https'])
        .describe(
          'Protocols of requests and streams to which the plugin applies. `tcp`, `tls`, `tls_passthrough` and `udp` for plugins of streams only.',
        ),
      condition: optional(
        z
          .string()
          .min(1)
          .superRefine((text, context) => {
            const message = conditionError(text)
            if (message !== undefined) context.addIssue({ code: 'custom', message, input: text })
          }),
      ).describe(
        'Apply only to requests for which this expression holds, in the language of `expression` of routes, with the fields of requests and `consumer.id`, `consumer.username`, `consumer.custom_id`, `route.id`, `route.name`, `service.id` and `service.name`. All requests when null.',
      ),
      enabled: z.boolean().default(true).describe('A disabled plugin is not executed.'),
      tags: tags(),
    }),
  },
  {
    describe({ fields }, nameOf) {
      const scope = (['service', 'route', 'consumer', 'consumer_group'] as const)
        .filter((field) => fields[field] !== null)
        .map((field) => `${field.replace('_', ' ')} ${nameOf(field)}`)
      const own = [fields.name, fields.instance_name ?? []].flat().join(' ')
      return scope.length === 0 ? own : `${own} on ${scope.join(', ')}`
    },
    configSchema(name, catalog) {
      const found = catalog.find((plugin) => plugin.name === name)
      return found?.acceptedSettings ?? found?.settings
    },
    configShorthands: ({ name }, catalog) =>
      catalog.find((plugin) => plugin.name === name)?.shorthands,
    fillLinks,
    beforeWrite({ after: { fields } }) {
      const { partials, config } = fields
      if (partials === null) return undefined
      return partials.length === 0 ? { partials: null } : { config: ownConfig(config, partials) }
    },
    present({ workspace, fields: { config, partials } }, { lookup }) {
      if (partials === null) return {}
      const find = (id: string) => lookup.find(partial, { workspace, at: id })
      return {
        config: fillConfig(config, partials, (id) => find(id)?.fields.config),
        partials: partials.map(({ id, path }) => ({
          id,
          name: find(id)?.fields.name ?? null,
          path,
        })),
      }
    },
    forbiddenFields: ({ name }, catalog) =>
      catalog.find((plugin) => plugin.name === name)?.withoutScopes ?? [],
    fieldViolations({ name, protocols }, catalog) {
      const found = catalog.find((plugin) => plugin.name === name)
      const streams: readonly unknown[] = streamProtocols
      const hasStream = Array.isArray(protocols) && protocols.some((one) => streams.includes(one))
      if (!hasStream || found === undefined || found.actsOnStreams === true) return {}
      return { protocols: `expected one of: ${requestProtocols.join(', ')}` }
    },
    unknownName: (name) =>
      `plugin '${name}' not enabled; add it to the 'plugins' configuration property`,
  },
)
