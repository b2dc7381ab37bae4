import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import { scopeOf, type Caller } from '../proxy/directory.ts'
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
        'Match the groups that the token of the caller names (`authenticated_groups_claim` of openid-connect), if it names any, although the caller is a consumer. Without a consumer they are matched anyway.',
      ),
    include_consumer_groups: z
      .boolean()
      .default(false)
      .describe('Match the names of consumer groups too.'),
  })
  .refine(({ allow, deny }) => (allow === null) !== (deny === null), {
    error: `exactly one of these fields must be non-empty: 'config.allow', 'config.deny'`,
  })

type Settings = z.output<typeof settings>

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
        const { groups, header } = groupsOf(caller, settings)
        const passes =
          allowed === null
            ? !groups.some((group) => denied?.has(group))
            : groups.some((group) => allowed.has(group))
        if (!passes) throw new Problem('acl.group', 403, 'You cannot consume this service')
        if (!hidden && groups.length > 0) forward?.headers.add(header, groups.join(', '))
      },
    }
  },
})

/** The groups that count, and the header in which the service receives them. */
function groupsOf(
  caller: Caller,
  { always_use_authenticated_groups, include_consumer_groups }: Settings,
): { readonly groups: readonly string[]; readonly header: string } {
  const { consumer, identity } = caller
  const ofToken = identity?.groups ?? []
  const isByToken = always_use_authenticated_groups && ofToken.length > 0
  if (consumer === undefined || isByToken)
    return { groups: ofToken, header: 'X-Authenticated-Groups' }
  const { groups } = consumer
  const { consumerGroups } = scopeOf(caller) ?? consumer
  return {
    groups: include_consumer_groups ? [...groups, ...consumerGroups] : groups,
    header: 'X-Consumer-Groups',
  }
}
