import { z } from 'zod'
import { between, host, optional } from './fields.ts'
import { referenceable } from './referenceable-fields.ts'

const milliseconds = () => between(0, 2 ** 31 - 2)

/** Kong's settings of a connection to Redis. */
export const redisFields = {
  host: optional(host()).describe('Host name or address of Redis. Required by the policy redis.'),
  port: between(0, 65_535).default(6379).describe('Port of Redis.'),
  timeout: milliseconds()
    .default(2000)
    .describe('Timeout for connecting and for an answer, in milliseconds.'),
  username: optional(referenceable(z.string())).describe(
    'User of Redis 6 and later; the default user when null.',
  ),
  password: optional(referenceable(z.string())).describe('Password. No authentication when null.'),
  database: z.int().min(0).default(0).describe('Number of the database.'),
  ssl: z.boolean().default(false).describe('Connect by TLS.'),
  ssl_verify: z
    .boolean()
    .default(false)
    .describe('Verify the certificate of Redis, with the CAs of the system.'),
  server_name: optional(z.string().min(1)).describe('Server name for TLS. Default: the host.'),
}

const nodeFields = {
  address: host().default('127.0.0.1').describe('Host name or address.'),
  port: between(0, 65_535).default(6379).describe('Port.'),
}
const sentinelNode = z.strictObject({ host: nodeFields.address, port: nodeFields.port })
const clusterNode = z.strictObject({ ip: nodeFields.address, port: nodeFields.port })

/** Settings of Kong Enterprise for Redis Sentinel and Redis Cluster. */
const enterpriseFields = {
  connect_timeout: milliseconds().describe('Timeout for connecting, in milliseconds.'),
  read_timeout: milliseconds().describe('Timeout for an answer, in milliseconds.'),
  send_timeout: milliseconds().describe(
    'Accepted for Kong; an answer is awaited for `read_timeout`.',
  ),
  sentinel_master: z.string().min(1).describe('Name of the master that Sentinel watches.'),
  sentinel_nodes: z.array(sentinelNode).min(1).describe('Addresses of Redis Sentinel.'),
  sentinel_role: z
    .enum(['master', 'slave', 'any'])
    .describe('Accepted for Kong; counters are always on the master.'),
  sentinel_username: referenceable(z.string()).describe('User of Redis Sentinel.'),
  sentinel_password: referenceable(z.string()).describe('Password of Redis Sentinel.'),
  cluster_nodes: z
    .array(clusterNode)
    .min(1)
    .describe('Addresses of nodes of a Redis Cluster, from which the others are discovered.'),
  cluster_max_redirections: z.int().min(0).describe('Redirections that a command follows.'),
  keepalive_pool_size: between(1, 2 ** 31 - 2).describe(
    'Accepted for Kong; a worker has one connection.',
  ),
  keepalive_backlog: milliseconds().describe('Accepted for Kong; a worker has one connection.'),
  connection_is_proxied: z
    .boolean()
    .describe('Accepted for Kong; connections through a proxy need no setting.'),
}

type Optional<Fields extends Record<string, z.ZodType>> = {
  [Name in keyof Fields]: z.ZodOptional<z.ZodNullable<Fields[Name]>>
}

/** The same, absent unless set and not listed in schemas, where Kong does not have them: decK compares what is listed. */
export const optionalEnterpriseFields = Object.fromEntries(
  Object.entries(enterpriseFields).map(([name, type]) => [
    name,
    type
      .nullable()
      .optional()
      .describe(type.description ?? '')
      .meta({ isUnlisted: true }),
  ]),
) as unknown as Optional<typeof enterpriseFields>

const { timeout: _timeout, ...common } = redisFields

/** The types of partials, with the settings that each holds. */
export const partialKinds = {
  'redis-ce': {
    about: 'A connection to Redis.',
    settings: z.strictObject(redisFields),
  },
  'redis-ee': {
    about: 'A connection to Redis, Redis Sentinel or Redis Cluster.',
    settings: z.strictObject({
      ...common,
      host: host().default('127.0.0.1').describe('Host name or address of Redis.'),
      connect_timeout: enterpriseFields.connect_timeout.default(2000),
      read_timeout: enterpriseFields.read_timeout.default(2000),
      send_timeout: enterpriseFields.send_timeout.default(2000),
      sentinel_master: optional(enterpriseFields.sentinel_master),
      sentinel_nodes: optional(enterpriseFields.sentinel_nodes),
      sentinel_role: optional(enterpriseFields.sentinel_role),
      sentinel_username: optional(enterpriseFields.sentinel_username),
      sentinel_password: optional(enterpriseFields.sentinel_password),
      cluster_nodes: optional(enterpriseFields.cluster_nodes),
      cluster_max_redirections: enterpriseFields.cluster_max_redirections.default(5),
      keepalive_pool_size: enterpriseFields.keepalive_pool_size.default(256),
      keepalive_backlog: optional(enterpriseFields.keepalive_backlog),
      connection_is_proxied: enterpriseFields.connection_is_proxied.default(false),
    }),
  },
} as const

export type PartialType = keyof typeof partialKinds

export const partialTypes = Object.keys(partialKinds) as readonly PartialType[]

/** The type of a partial with its settings; undefined where there is none with this name. */
export const partialKindNamed = (
  type: unknown,
): { readonly about: string; readonly settings: z.ZodObject } | undefined =>
  typeof type === 'string' && Object.hasOwn(partialKinds, type)
    ? partialKinds[type as PartialType]
    : undefined
