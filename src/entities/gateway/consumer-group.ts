import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { entityName, reference, tags } from '../fields.ts'

export const consumerGroup = defineEntity({
  name: 'consumer-group',
  plural: 'consumer_groups',
  about: 'A group of consumers to which plugins can be applied.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: entityName().describe(
      'Name of the group. Unique in the workspace; accepted in place of the id in paths.',
    ),
    tags: tags(),
  }),
})

/** Routes: /consumer_groups/{group}/consumers and /consumers/{consumer}/consumer_groups. */
export const groupMember = defineEntity(
  {
    name: 'group-member',
    plural: 'consumer_group_consumers',
    about: 'The membership of a consumer in a consumer group.',
    unique: [['consumer_group', 'consumer']],
    refersTo: { consumer_group: 'consumer-group', consumer: 'consumer' },
    belongsTo: 'consumer_group',
    cascades: ['consumer'],
    withoutRoutes: ['own', 'nested'],
    document: { joins: { consumer: 'groups', consumer_group: 'consumers' } },
    fields: z.strictObject({
      consumer_group: reference().describe('The group.'),
      consumer: reference().describe('The member.'),
    }),
  },
  { describe: (_entry, nameOf) => `${nameOf('consumer')} of ${nameOf('consumer_group')}` },
)
