import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { reference, tags } from '../fields.ts'

export const acl = defineEntity({
  name: 'acl',
  plural: 'acls',
  about: 'The membership of a consumer in a group that the acl plugin allows or denies.',
  key: 'group',
  unique: [['consumer', 'group']],
  refersTo: { consumer: 'consumer' },
  belongsTo: 'consumer',
  fields: z.strictObject({
    consumer: reference().describe('The member of the group.'),
    group: z
      .string()
      .min(1)
      .describe('Name of the group, as in `allow` and `deny` of the acl plugin.'),
    tags: tags(),
  }),
})
