import { createHash } from 'node:crypto'
import { entityNamed } from '../../src/entities/entities.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../../src/schema/snapshot.ts'

const [plugin, route, service, upstream] = [
  entityNamed('plugin'),
  entityNamed('route'),
  entityNamed('service'),
  entityNamed('upstream'),
]
const workspace = '00000000-0000-4000-8000-00000000000a'

/** A snapshot in short form; names are used as ids. */
export type SnapshotInput = {
  readonly services?: readonly Record<string, unknown>[]
  readonly routes?: readonly Record<string, unknown>[]
  readonly upstreams?: readonly (Record<string, unknown> & {
    targets: readonly { target: string; weight: number; failover?: boolean }[]
  })[]
  readonly plugins?: readonly Record<string, unknown>[]
  /** Server name → certificate. */
  readonly certificates?: Readonly<Record<string, { cert: string; key: string }>>
  /** Id → certificate. */
  readonly authorities?: Readonly<Record<string, string>>
  /** Id of a credential → its expiry, and the secret before. */
  readonly lifetimes?: Readonly<Record<string, Lifetime>>
  /** Consumer → its keys and groups. */
  readonly consumers?: Readonly<
    Record<
      string,
      {
        keys?: readonly string[]
        groups?: readonly string[]
        consumerGroups?: readonly string[]
        /** Username → password. */
        basic?: Readonly<Record<string, string>>
        /** Username → secret. */
        hmac?: Readonly<Record<string, string>>
        /** Names in client certificates: subject name → id of the CA, or null for any. */
        certificates?: Readonly<Record<string, string | null>>
        jwts?: readonly Pick<
          SnapshotItem<'jwts'>,
          'key' | 'algorithm' | 'secret' | 'rsa_public_key'
        >[]
      }
    >
  >
}

type Lifetime = {
  readonly expires_at?: number
  readonly previous?: { readonly secret: string; readonly expires_at: number }
}

/** A snapshot of one workspace with defaults for all other fields. */
export function buildTestSnapshot({
  services = [],
  routes = [],
  upstreams = [],
  plugins = [],
  consumers = {},
  certificates = {},
  authorities = {},
  lifetimes = {},
}: SnapshotInput): Snapshot {
  const place = (fields: Record<string, unknown>, index: number) => ({
    id: nameOf(fields['name'] ?? `unnamed-${index}`),
    workspace,
    created_at: index,
  })
  return snapshotOf({
    workspaces: [{ id: workspace, name: 'test' }],
    services: services.map(({ client_certificate: client, ...fields }, index) => ({
      ...service.fields.parse(fields),
      client_certificate: client === undefined ? null : { id: nameOf(client) },
      ...place(fields, index),
    })),
    routes: routes.map((fields, index) => {
      const { service: of, ...others } = fields
      const parsed = route.fields.parse(others)
      return {
        ...parsed,
        service: of === undefined ? null : { id: nameOf(of) },
        ...place(fields, index),
      }
    }),
    consumers: Object.entries(consumers).map(
      ([username, { groups = [], consumerGroups = [] }]) => ({
        id: username,
        workspace,
        username,
        custom_id: null,
        groups,
        consumer_groups: consumerGroups,
      }),
    ),
    consumer_groups: [
      ...new Set(Object.values(consumers).flatMap((one) => one.consumerGroups ?? [])),
    ].map((name) => ({ id: name, workspace, name })),
    keys: Object.entries(consumers).flatMap(([consumer, { keys = [] }]) =>
      keys.map((key) => ({
        id: `${consumer}-${key}`,
        workspace,
        consumer,
        sha256: createHash('sha256').update(key).digest('hex'),
        expires_at: lifetimes[`${consumer}-${key}`]?.expires_at ?? null,
      })),
    ),
    basic_auths: Object.entries(consumers).flatMap(([consumer, { basic = {} }]) =>
      Object.entries(basic).map(([username, password]) => ({
        id: `${consumer}-${username}`,
        workspace,
        consumer,
        ...lifetimes[`${consumer}-${username}`],
        username,
        password: createHash('sha1').update(`${password}${consumer}`).digest('hex'),
      })),
    ),
    hmac_auths: Object.entries(consumers).flatMap(([consumer, { hmac = {} }]) =>
      Object.entries(hmac).map(([username, secret]) => ({
        id: `${consumer}-${username}`,
        workspace,
        consumer,
        ...lifetimes[`${consumer}-${username}`],
        username,
        secret,
      })),
    ),
    jwts: Object.entries(consumers).flatMap(([consumer, { jwts = [] }]) =>
      jwts.map((one) => {
        const id = `${consumer}-${one.key}`
        return { id, workspace, consumer, ...lifetimes[id], ...one }
      }),
    ),
    mtls_auths: Object.entries(consumers).flatMap(([consumer, { certificates: names = {} }]) =>
      Object.entries(names).map(([subject_name, ca_certificate]) => ({
        id: `${consumer}-${subject_name}`,
        workspace,
        consumer,
        ...lifetimes[`${consumer}-${subject_name}`],
        subject_name,
        ca_certificate,
      })),
    ),
    upstreams: upstreams.map(({ targets, client_certificate: client, ...fields }, index) => ({
      ...upstream.fields.parse(fields),
      client_certificate: client === undefined ? null : { id: nameOf(client) },
      ...place(fields, index),
      targets: targets.map((target) => ({ id: target.target, failover: false, ...target })),
    })),
    plugins: plugins.map((fields, index) => {
      const scopes = Object.fromEntries(
        ['service', 'route', 'consumer', 'consumer_group'].map((scope) => [
          scope,
          fields[scope] === undefined ? null : { id: nameOf(fields[scope]) },
        ]),
      )
      const parsed = plugin.fields.parse({
        ...fields,
        service: null,
        route: null,
        consumer: null,
        consumer_group: null,
      })
      return {
        ...parsed,
        ...scopes,
        id: `plugin-${index}`,
        workspace,
      } as SnapshotItem<'plugins'>
    }),
    certificates: Object.entries(certificates).map(([id, pair]) => ({
      id,
      workspace,
      cert_alt: null,
      key_alt: null,
      ...pair,
    })),
    snis: Object.keys(certificates).map((name) => ({
      id: `sni-${name}`,
      workspace,
      name,
      certificate: { id: name },
    })),
    ca_certificates: Object.entries(authorities).map(([id, cert]) => ({ id, cert })),
    vaults: [],
  })
}

/** A name as a test wrote it. */
const nameOf = (name: unknown): string => name as string
