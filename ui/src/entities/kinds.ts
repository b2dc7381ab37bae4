import {
  type Icon,
  IconArrowsSplit,
  IconCertificate,
  IconKey,
  IconLockSquareRounded,
  IconPlug,
  IconPuzzle,
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
    | 'partials'
    | 'certificates'
    | 'vaults'
    | 'keys'
    | 'key-sets'
  readonly group: 'Gateway' | 'Secrets'
  readonly singular: string
  readonly title: string
  readonly icon: Icon
  /** Subtitle of its pages. */
  readonly about: string
  /** Text of the empty list. */
  readonly emptyText: string
  /** Path and curl options that create one. */
  readonly example: string
  /** The title of one, where it is not the name. */
  readonly label?: (entity: EntityRecord) => string
  /** The filters that select its traffic; absent where events do not record it. */
  readonly traffic?: (entity: EntityRecord) => readonly PageFilter[]
}

/** Restricts the traffic of a plugin to its scope. */
const scopeFilters = (plugin: EntityRecord): PageFilter[] =>
  ['service', 'route', 'consumer'].flatMap((field) => {
    const id = referenceId(plugin, field)
    return id === undefined ? [] : [is(`${field}_id`, id)]
  })

const is = (member: string, value: string): PageFilter => ({ member, value, exclude: false })

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
    about: 'Applications behind the gateway, with their address, timeouts and retries.',
    emptyText:
      'A service is an application behind the gateway. Add a route to send requests to it.',
    example: '/services -d name=orders -d url=http://127.0.0.1:9000',
    traffic: ({ id }) => [is('service_id', id)],
  },
  {
    plural: 'routes',
    group: 'Gateway',
    singular: 'route',
    title: 'Routes',
    icon: IconArrowsSplit,
    about: 'Conditions that select the service of a request.',
    emptyText: 'A route sends requests to a service by host, path, method or header.',
    example: '/services/orders/routes -d name=orders -d "paths[]=/orders"',
    traffic: ({ id }) => [is('route_id', id)],
  },
  {
    plural: 'upstreams',
    group: 'Gateway',
    singular: 'upstream',
    title: 'Upstreams',
    icon: IconTopologyStar3,
    about: 'Load-balanced pools of targets with health checks.',
    emptyText:
      'An upstream balances the requests of a service over several targets. Use its name as the host of the service.',
    example: '/upstreams -d name=orders.internal',
  },
  {
    plural: 'consumers',
    group: 'Gateway',
    singular: 'consumer',
    title: 'Consumers',
    icon: IconUser,
    about: 'Clients of the gateway, with their credentials and groups.',
    emptyText: 'A consumer represents a client. Credentials authenticate it, groups authorize it.',
    example: '/consumers -d username=alice',
    traffic: ({ id }) => [is('consumer_id', id)],
  },
  {
    plural: 'consumer_groups',
    group: 'Gateway',
    singular: 'consumer group',
    title: 'Consumer groups',
    icon: IconUsersGroup,
    about: 'Groups of consumers that share plugins.',
    emptyText: 'A consumer group applies one plugin to many consumers.',
    example: '/consumer_groups -d name=gold',
  },
  {
    plural: 'plugins',
    group: 'Gateway',
    singular: 'plugin',
    title: 'Plugins',
    icon: IconPlug,
    about: 'Policies on services, routes, consumers or the entire workspace.',
    emptyText: 'A plugin authenticates, limits, transforms or denies requests in its scope.',
    example: '/plugins -d name=key-auth',
    label: (entity) => text(entity, 'name'),
    traffic: (entity) => [is('denied_by', text(entity, 'name')), ...scopeFilters(entity)],
  },
  {
    plural: 'partials',
    group: 'Gateway',
    singular: 'partial',
    title: 'Partials',
    icon: IconPuzzle,
    about: 'Settings that several plugins share, such as a connection to Redis.',
    emptyText: 'A partial holds settings once, and plugins link to it instead of repeating them.',
    example: '/partials -d name=cache -d type=redis-ce -d config.host=redis.internal',
  },
  {
    plural: 'certificates',
    group: 'Secrets',
    singular: 'certificate',
    title: 'Certificates',
    icon: IconCertificate,
    about: 'TLS certificates by server name, and client certificates for services.',
    emptyText: 'Add a certificate with its private key to serve TLS under your own domains.',
    example: '/certificates -F cert=@cert.pem -F key=@key.pem -F "snis[]=api.example.com"',
    label: (entity) => serverNames(entity)[0] ?? entity.id,
  },
  {
    plural: 'vaults',
    group: 'Secrets',
    singular: 'vault',
    title: 'Vaults',
    icon: IconLockSquareRounded,
    about: 'Secret stores, referenced as {vault://prefix/secret}.',
    emptyText: 'A vault lets the configuration reference secrets instead of storing them.',
    example: '/vaults -d name=env -d prefix=my-env -d config.prefix=SECRET_',
    label: (entity) => text(entity, 'prefix'),
  },
  {
    plural: 'keys',
    group: 'Secrets',
    singular: 'key',
    title: 'Keys',
    icon: IconKey,
    about: 'Keys that sign and verify tokens.',
    emptyText: 'A key is a JWK or a PEM pair, and tokens reference it by its key ID.',
    example: '/keys -F name=first -F kid=first -F jwk=@key.json',
    label: (entity) => text(entity, 'name') || text(entity, 'kid'),
  },
  {
    plural: 'key-sets',
    group: 'Secrets',
    singular: 'key set',
    title: 'Key sets',
    icon: IconVersions,
    about: 'Sets of keys, such as the keys of one issuer.',
    emptyText: 'A key set groups the keys of an issuer, so that they can be rotated one by one.',
    example: '/key-sets -d name=issuer',
  },
]

export const findKind = (plural: string): Kind | undefined =>
  kinds.find((kind) => kind.plural === plural)

/** The title of an entity. */
export const entityTitle = ({ label = entityLabel }: Kind, entity: EntityRecord): string =>
  label(entity)
