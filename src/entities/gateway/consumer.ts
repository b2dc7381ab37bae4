import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'

/** Who calls the gateway. */
export const consumer = defineEntity({
  name: 'consumer',
  plural: 'consumers',
  about: 'Who calls the gateway.',
  key: 'username',
  unique: ['username', 'custom_id'],
  filters: ['custom_id'],
  fields: z.strictObject({
    username: optional(z.string().min(1)).describe(
      'Unique in the workspace; paths may use it instead of the id.',
    ),
    custom_id: optional(z.string().min(1)).describe('The id of this consumer in your own systems.'),
    tags: tags(),
  }),
  check({ value, issues }) {
    if (value['username'] === null && value['custom_id'] === null) {
      const message = `at least one of these fields must be non-empty: 'custom_id', 'username'`
      issues.push({ code: 'custom', message, path: [], input: value })
    }
  },
})
