import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { entityName, reference, tags } from '../fields.ts'

/** Consumers that are treated alike: plugins may be put on all of them together. */
export const consumerGroup = defineEntity({
  name: 'consumer-group',
  plural: 'consumer_groups',
  about: 'Consumers that are treated alike: plugins may be put on all of them together.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: entityName().describe('Unique in the workspace; paths may use it instead of the id.'),
    tags: tags(),
  }),
})

/** The place of a consumer in a consumer group. Public paths are /consumer_groups/{group}/consumers and /consumers/{consumer}/consumer_groups. */
export const groupMember = defineEntity(
  {
    name: 'group-member',
    plural: 'consumer_group_consumers',
    about: 'The place of a consumer in a consumer group.',
    unique: [['consumer_group', 'consumer']],
    refersTo: { consumer_group: 'consumer-group', consumer: 'consumer' },
    belongsTo: 'consumer_group',
    cascades: ['consumer'],
    withoutRoutes: ['own', 'nested'],
    document: { joins: { consumer: 'groups', consumer_group: 'consumers' } },
    fields: z.strictObject({ consumer_group: reference(), consumer: reference() }),
  },
  { describe: (_entry, nameOf) => `${nameOf('consumer')} of ${nameOf('consumer_group')}` },
)
