import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { entityName, optional, reference, tags } from '../fields.ts'

/** A policy put on a service, a route, a consumer, a consumer group, a mix of them, or everything in the workspace. */
export const plugin = defineEntity(
  {
    name: 'plugin',
    plural: 'plugins',
    about:
      'A policy put on a service, a route, a consumer or a group of them, a mix of these, or everything in the workspace.',
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
    cascades: ['service', 'route', 'consumer', 'consumer_group'],
    fields: z.strictObject({
      name: z.string().min(1).describe('Which policy.'),
      instance_name: optional(entityName()),
      service: optional(reference()),
      route: optional(reference()),
      consumer: optional(reference()),
      consumer_group: optional(reference()),
      config: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('The policy’s own settings; their schema is at /schemas/plugins/{name}.'),
      protocols: z
        .array(z.enum(['grpc', 'grpcs', 'http', 'https', 'ws', 'wss']))
        .min(1)
        .default(['grpc', 'grpcs', 'http', 'https']),
      enabled: z.boolean().default(true),
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
    configSchema: (name, catalog) => catalog.find((plugin) => plugin.name === name)?.settings,
    unknownName: (name) =>
      `plugin '${name}' not enabled; add it to the 'plugins' configuration property`,
  },
)
