import { notFound } from '../../entities/kong-problem.ts'
import { entityNamed } from '../../entities/entities.ts'
import { Problem } from '../../lib/problem.ts'
import { requireEntry, type AdminRoute } from '../admin-route.ts'
import { itemRoute } from './item-route.ts'
import { mayReadEntry } from './may-read-entry.ts'
import { membersOf } from './membership-routes.ts'
import { presentTo } from './present-entry.ts'

const [consumerGroup, consumer, plugin] = [
  entityNamed('consumer-group'),
  entityNamed('consumer'),
  entityNamed('plugin'),
]

const item = itemRoute({ path: '/consumer_groups/:item', entity: consumerGroup })

/** Kong's overrides of `rate-limiting-advanced` from before plugins could be scoped to consumer groups. There are never any. */
export const groupOverridesRoute: AdminRoute = {
  path: '/consumer_groups/:item/overrides/plugins/:plugin',
  locate: (context) => item.locate(context),
  methods: {
    async PUT(context) {
      const { name } = requireEntry(context, 'consumer-group').fields
      throw new Problem(
        'admin.group_overrides',
        400,
        `consumer groups have no overrides; create a plugin with the consumer group as its scope instead, for example 'rate-limiting' by POST /consumer_groups/${name}/plugins`,
      )
    },
    async DELETE() {
      throw notFound()
    },
  },
}

/** As in Kong, a consumer group is read together with its consumers and plugins. */
export const consumerGroupRoute: AdminRoute = {
  ...item,
  answers: {
    GET: {
      type: 'object',
      required: ['consumer_group', 'plugins'],
      properties: {
        consumer_group: { $ref: '#/components/schemas/consumer-group' },
        consumers: { type: 'array', items: { $ref: '#/components/schemas/consumer' } },
        plugins: { type: 'array', items: { $ref: '#/components/schemas/plugin' } },
      },
    },
  },
  methods: {
    ...item.methods,
    async GET(context) {
      const { configuration, entry, workspaceRef, request } = context
      if (entry === undefined) throw notFound()
      const within = { field: 'consumer_group', id: entry.id }
      const plugins = configuration
        .list({ entity: 'plugin', workspace: workspaceRef.id, within })
        .filter((one) => mayReadEntry(context, 'plugin', one))
      const isAlone = (request.query as Record<string, string>)['list_consumers'] === 'false'
      const consumers = isAlone ? [] : membersOf({ ...context, parent: entry }, 'consumer-group')
      return {
        consumer_group: presentTo(context, consumerGroup, entry),
        plugins: plugins.map((one) => presentTo(context, plugin, one)),
        ...(isAlone
          ? {}
          : { consumers: consumers.map((one) => presentTo(context, consumer, one)) }),
      }
    },
  },
}
