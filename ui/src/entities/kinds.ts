import {
  type Icon,
  IconArrowsSplit,
  IconCertificate,
  IconKey,
  IconLockSquareRounded,
  IconPlug,
  IconServer2,
  IconTopologyStar3,
  IconUser,
  IconUsersGroup,
  IconVersions,
} from '@tabler/icons-react'
import { entityLabel, type EntityRecord, referenceId, text } from '../api/entities.ts'
import type { PageFilter } from '../view/search.ts'

/** A kind of entity that has pages. */
export type Kind = {
  readonly plural:
    | 'services'
    | 'routes'
    | 'upstreams'
    | 'consumers'
    | 'consumer_groups'
    | 'plugins'
    | 'certificates'
    | 'vaults'
    | 'keys'
    | 'key-sets'
  /** Where the navigation has it. */
  readonly group: 'Gateway' | 'Secrets'
  readonly singular: string
  readonly title: string
  readonly icon: Icon
  /** One sentence for people. */
  readonly about: string
  /** What to know, and do, when there is none. */
  readonly teach: string
  /** A shell command that makes the first one, without the address of the Admin API. */
  readonly example: string
  /** What one is called, where that is not its key. */
  readonly label?: (entity: EntityRecord) => string
  /** Which requests its traffic is; absent where requests do not tell. */
  readonly traffic?: (entity: EntityRecord) => readonly PageFilter[]
}

/** A plugin that is put somewhere is asked about only there. */
const placeFilters = (plugin: EntityRecord): PageFilter[] =>
  ['service', 'route', 'consumer'].flatMap((field) => {
    const id = referenceId(plugin, field)
    return id === undefined ? [] : [is(`${field}_id`, id)]
  })

const is = (member: string, value: string): PageFilter => ({ member, value, exclude: false })

/** The server names of a certificate. */
export const serverNames = (certificate: EntityRecord): readonly string[] =>
  Array.isArray(certificate['snis']) ? certificate['snis'].map(String) : []

/** Every kind of entity that has pages, in the order of the navigation. */
export const kinds: readonly Kind[] = [
  {
    plural: 'services',
    group: 'Gateway',
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
    group: 'Gateway',
    singular: 'route',
    title: 'Routes',
    icon: IconArrowsSplit,
    about: 'How a request is recognized as being for a service.',
    teach: 'A route tells by host, path, method or header which service a request is for.',
    example: '/services/orders/routes -d name=orders -d "paths[]=/orders"',
    traffic: ({ id }) => [is('route_id', id)],
  },
  {
    plural: 'upstreams',
    group: 'Gateway',
    singular: 'upstream',
    title: 'Upstreams',
    icon: IconTopologyStar3,
    about: 'Pools of targets under one host name, and how one of them is picked.',
    teach:
      'An upstream spreads the requests of a service over targets. Name it as the service’s host.',
    example: '/upstreams -d name=orders.internal',
  },
  {
    plural: 'consumers',
    group: 'Gateway',
    singular: 'consumer',
    title: 'Consumers',
    icon: IconUser,
    about: 'Who calls the gateway.',
    teach: 'A consumer is a caller with a name. Credentials make it known, groups give it access.',
    example: '/consumers -d username=alice',
    traffic: ({ id }) => [is('consumer_id', id)],
  },
  {
    plural: 'consumer_groups',
    group: 'Gateway',
    singular: 'consumer group',
    title: 'Consumer groups',
    icon: IconUsersGroup,
    about: 'Consumers that are treated alike: plugins may be put on all of them together.',
    teach: 'A consumer group lets you limit or allow many consumers by one plugin.',
    example: '/consumer_groups -d name=gold',
  },
  {
    plural: 'plugins',
    group: 'Gateway',
    singular: 'plugin',
    title: 'Plugins',
    icon: IconPlug,
    about: 'Policies put on services, routes, consumers, or everything in a workspace.',
    teach: 'A plugin identifies, limits, changes or refuses requests where it is put.',
    example: '/plugins -d name=key-auth',
    label: (entity) => text(entity, 'name'),
    traffic: (entity) => [is('denied_by', text(entity, 'name')), ...placeFilters(entity)],
  },
  {
    plural: 'certificates',
    group: 'Secrets',
    singular: 'certificate',
    title: 'Certificates',
    icon: IconCertificate,
    about: 'What the gateway shows to callers by server name, and to services that ask for it.',
    teach: 'A certificate and its private key let the gateway answer by TLS under your own names.',
    example: '/certificates -F cert=@cert.pem -F key=@key.pem -F "snis[]=api.example.com"',
    label: (entity) => serverNames(entity)[0] ?? entity.id,
  },
  {
    plural: 'vaults',
    group: 'Secrets',
    singular: 'vault',
    title: 'Vaults',
    icon: IconLockSquareRounded,
    about: 'Places where secrets are kept, to which {vault://prefix/secret} refers.',
    teach: 'With a vault the configuration names a secret instead of holding it.',
    example: '/vaults -d name=env -d prefix=my-env -d config.prefix=SECRET_',
    label: (entity) => text(entity, 'prefix'),
  },
  {
    plural: 'keys',
    group: 'Secrets',
    singular: 'key',
    title: 'Keys',
    icon: IconKey,
    about: 'Keys that sign and verify tokens, each with the id by which tokens name it.',
    teach: 'A key is given as a JWK or as PEM, and is found by its id.',
    example: '/keys -F name=first -F kid=first -F jwk=@key.json',
    label: (entity) => text(entity, 'name') || text(entity, 'kid'),
  },
  {
    plural: 'key-sets',
    group: 'Secrets',
    singular: 'key set',
    title: 'Key sets',
    icon: IconVersions,
    about: 'Keys that are used together, such as those of one issuer.',
    teach: 'A key set holds the keys of an issuer, so that they can be changed one by one.',
    example: '/key-sets -d name=issuer',
  },
]

/** The kind with this plural name. */
export const findKind = (plural: string): Kind | undefined =>
  kinds.find((kind) => kind.plural === plural)

/** What people call an entity of a kind. */
export const entityTitle = ({ label = entityLabel }: Kind, entity: EntityRecord): string =>
  label(entity)
