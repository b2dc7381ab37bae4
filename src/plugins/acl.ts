import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { definePlugin } from '../proxy/plugin.ts'

const groups = z.array(z.string().min(1)).min(1).nullable().default(null)

const settings = z
  .strictObject({
    allow: groups.describe(
      'Groups that are allowed; all others are denied. Exclusive with `deny`.',
    ),
    deny: groups.describe(
      'Groups that are denied; all others are allowed. Exclusive with `allow`.',
    ),
    hide_groups_header: z
      .boolean()
      .default(false)
      .describe('Do not send the X-Consumer-Groups header to the service.'),
    always_use_authenticated_groups: z
      .boolean()
      .default(false)
      .describe(
        'Accepted for compatibility with Kong; has no effect, because no plugin of Weir sets authenticated groups.',
      ),
    include_consumer_groups: z
      .boolean()
      .default(false)
      .describe('Match the names of consumer groups too.'),
  })
  .refine(({ allow, deny }) => (allow === null) !== (deny === null), {
    error: `exactly one of these fields must be non-empty: 'config.allow', 'config.deny'`,
  })

export const acl = definePlugin({
  name: 'acl',
  about: 'Allows or denies consumers by their groups.',
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings) {
    const { allow, deny, hide_groups_header: hidden } = settings
    const allowed = allow && new Set(allow)
    const denied = deny && new Set(deny)
    return {
      onRequest({ caller, forward }) {
        if (caller === undefined) throw new Problem('acl.nobody', 401, 'Unauthorized')
        const { groups: own, consumerGroups } = caller.consumer
        const groups = settings.include_consumer_groups ? [...own, ...consumerGroups] : own
        const passes =
          allowed === null
            ? !groups.some((group) => denied?.has(group))
            : groups.some((group) => allowed.has(group))
        if (!passes) throw new Problem('acl.group', 403, 'You cannot consume this service')
        if (!hidden && groups.length > 0)
          forward?.headers.add('X-Consumer-Groups', groups.join(', '))
      },
    }
  },
})
