import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'

export const consumer = defineEntity({
  name: 'consumer',
  plural: 'consumers',
  about:
    'A client of the gateway: an application, a team or a user, identified by its credentials.',
  key: 'username',
  unique: ['username', 'custom_id'],
  filters: ['custom_id'],
  fields: z.strictObject({
    username: optional(z.string().min(1)).describe(
      'Name of the consumer. Unique in the workspace; accepted in place of the id in paths. Required unless `custom_id` is set.',
    ),
    custom_id: optional(z.string().min(1)).describe(
      'Id of the consumer in your own systems. Unique in the workspace; forwarded as `X-Consumer-Custom-ID`.',
    ),
    tags: tags(),
  }),
  check({ value, issues }) {
    if (value['username'] === null && value['custom_id'] === null) {
      const message = `at least one of these fields must be non-empty: 'custom_id', 'username'`
      issues.push({ code: 'custom', message, path: [], input: value })
    }
  },
})
