import { IconArrowsSplit, IconPlug, IconServer2, IconUsers, type Icon } from '@tabler/icons-react'
import type { PageFilter } from '../view/search.ts'
import { referenceOf, text, type EntityRecord } from '../api/entities.ts'

/** A kind of entity that has pages. */
export type Kind = {
  readonly plural: 'services' | 'routes' | 'consumers' | 'plugins'
  readonly singular: string
  readonly title: string
  readonly icon: Icon
  /** One sentence for people. */
  readonly about: string
  /** What to know, and do, when there is none. */
  readonly teach: string
  /** A shell command that makes the first one, without the address of the Admin API. */
  readonly example: string
  /** Which requests its traffic is. */
  traffic(entity: EntityRecord): readonly PageFilter[]
}

/** A plugin that is put somewhere is asked about only there. */
const placeFilters = (plugin: EntityRecord): PageFilter[] =>
  ['service', 'route', 'consumer'].flatMap((field) => {
    const id = referenceOf(plugin, field)
    return id === undefined ? [] : [is(`${field}_id`, id)]
  })

const is = (member: string, value: string): PageFilter => ({ member, value, exclude: false })

/** Every kind of entity that has pages, in the order of the navigation. */
export const kinds: readonly Kind[] = [
  {
    plural: 'services',
    singular: 'service',
    title: 'Services',
    icon: IconServer2,
    about: 'Applications behind the gateway: where their requests go, and how patiently.',
    teach: 'A service says where requests go. Give it a route, and the gateway can find it.',
    example: '/services -d name=orders -d url=http://127.0.0.1:9000',
    traffic: ({ id }) => [is('service_id', id)],
  },
  {
    plural: 'routes',
    singular: 'route',
    title: 'Routes',
    icon: IconArrowsSplit,
    about: 'How a request is recognised as being for a service.',
    teach: 'A route tells by host, path, method or header which service a request is for.',
    example: '/services/orders/routes -d name=orders -d "paths[]=/orders"',
    traffic: ({ id }) => [is('route_id', id)],
  },
  {
    plural: 'consumers',
    singular: 'consumer',
    title: 'Consumers',
    icon: IconUsers,
    about: 'Who calls the gateway.',
    teach: 'A consumer is a caller with a name. Credentials make it known, groups give it access.',
    example: '/consumers -d username=alice',
    traffic: ({ id }) => [is('consumer_id', id)],
  },
  {
    plural: 'plugins',
    singular: 'plugin',
    title: 'Plugins',
    icon: IconPlug,
    about: 'Policies put on services, routes, consumers, or everything in a workspace.',
    teach: 'A plugin identifies, limits, changes or refuses requests where it is put.',
    example: '/plugins -d name=key-auth',
    traffic: (entity) => [is('denied_by', text(entity, 'name')), ...placeFilters(entity)],
  },
]

/** The kind with this plural name. */
export const kindOf = (plural: string): Kind | undefined =>
  kinds.find((kind) => kind.plural === plural)
