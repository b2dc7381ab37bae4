import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { entityName, optional, tags } from '../fields.ts'
import { schemaViolation } from '../kong-problem.ts'
import { partialKindNamed, partialTypes } from '../redis-settings.ts'

export const partial = defineEntity(
  {
    name: 'partial',
    plural: 'partials',
    about: 'Settings that plugins share by links, such as a connection to Redis.',
    key: 'name',
    unique: ['name'],
    naturalKey: ['type', 'config'],
    sealed: ['config'],
    merged: ['config'],
    configBy: 'type',
    fields: z.strictObject({
      name: optional(entityName()).describe(
        'Name of the partial. Unique in the workspace; accepted in place of the id in paths and links.',
      ),
      type: z.enum(partialTypes).describe('Type of the settings.'),
      config: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('Settings of the type; see /schemas/partials/{type}. Merged by PATCH.'),
      tags: tags(),
    }),
  },
  {
    configSchema: (type) => partialKindNamed(type)?.settings,
    beforeWrite({ before, after }) {
      if (before === undefined || before.fields.type === after.fields.type) return undefined
      throw schemaViolation({ type: 'cannot be changed; create another partial' })
    },
  },
)
