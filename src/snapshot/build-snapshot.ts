import { createHash } from 'node:crypto'
import type { EntityName } from '../entities/entities.ts'
import {
  entriesOf,
  labelOf,
  referenceIn,
  referencesIn,
  type Entries,
  type Entry,
  type Stored,
  type Touched,
} from '../entities/entry.ts'
import { fillConfig } from '../entities/linked-settings.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { RadixMap } from '../lib/radix-map.ts'
import {
  emptySnapshot,
  listNames,
  type ListName,
  type Snapshot,
  type SnapshotItem,
} from '../schema/snapshot.ts'
import { itemDigest } from './snapshot-root.ts'

/** The configuration that a snapshot is built from. */
export type SnapshotSource = {
  readonly entries: Entries
  /** The entries of a kind that refer to an entry by a field, in order of id. */
  referrers<K extends EntityName>(
    entity: K,
    field: string,
    target: Pick<Entry, 'id' | 'workspace'>,
  ): Iterable<Entry<K>>
  /** The entries of a kind in a workspace. */
  inWorkspace(entity: EntityName, workspace: string): Iterable<Entry>
}

/** The list of a snapshot that has an item for each entity of a kind. */
export const listsByEntity = {
  workspace: 'workspaces',
  service: 'services',
  route: 'routes',
  consumer: 'consumers',
  'consumer-group': 'consumer_groups',
  'key-auth': 'keys',
  upstream: 'upstreams',
  plugin: 'plugins',
  certificate: 'certificates',
  sni: 'snis',
  'ca-certificate': 'ca_certificates',
  vault: 'vaults',
  'basic-auth': 'basic_auths',
  jwt: 'jwts',
  'hmac-auth': 'hmac_auths',
  'mtls-auth': 'mtls_auths',
} as const satisfies Partial<Record<EntityName, ListName>>

/** Builds the part of a configuration that nodes need: references resolved, API keys hashed, lists in order of id. */
export const buildSnapshot = (entries: Entries): Snapshot =>
  nextSnapshot(
    emptySnapshot,
    sourceOf(entries),
    [...entries].flatMap(([entity, all]) =>
      [...all].map(([id, after]) => ({ entity, id, before: undefined, after })),
    ),
  )

/**
 * The snapshot of a configuration that differs in some entities from the one that `before` is of. Builds the items that
 * these entities reach; an item that stays equal stays the same object.
 */
export const nextSnapshot = (
  before: Snapshot,
  source: SnapshotSource,
  changed: readonly Touched[],
): Snapshot => runToCompletion(snapshotSteps(before, source, changed))

/** `nextSnapshot` as a cooperative task. */
export function* snapshotSteps(
  before: Snapshot,
  source: SnapshotSource,
  changed: readonly Touched[],
): CooperativeTask<Snapshot> {
  const reached = new Map(listNames.map((list) => [list, new Set<string>()] as const))
  for (const one of changed) {
    yield
    for (const [list, id] of itemsOf(one, source)) reached.get(list)?.add(id)
  }
  const lists: (readonly [ListName, RadixMap<object>])[] = []
  for (const [list, ids] of reached) {
    const known: RadixMap<object> = before[list]
    const next = ids.size === 0 ? known : yield* withItems(known, list, ids, source)
    if (next !== known) lists.push([list, next])
  }
  return lists.length === 0 ? before : { ...before, ...Object.fromEntries(lists) }
}

/** The items that depend on an entity. */
function* itemsOf(touched: Touched, source: SnapshotSource): Iterable<readonly [ListName, string]> {
  const own = (listsByEntity as Partial<Record<EntityName, ListName>>)[touched.entity]
  if (own !== undefined) yield [own, touched.id]
  yield* dependents[touched.entity]?.(touched, source) ?? []
}

type Dependents = (
  touched: Touched,
  source: SnapshotSource,
) => Iterable<readonly [ListName, string]>

/** Items of other entities that an entity is part of. */
const dependents: Readonly<Partial<Record<EntityName, Dependents>>> = {
  acl: partOf('consumers', 'consumer'),
  'group-member': partOf('consumers', 'consumer'),
  target: partOf('upstreams', 'upstream'),
  'consumer-group': membersOf,
  partial: linkedPlugins,
}

function partOf(list: ListName, field: string): Dependents {
  return ({ before, after }) =>
    [before, after].flatMap((entry) => {
      const id = entry === undefined ? undefined : referenceIn(entry, field)
      return id === undefined ? [] : [[list, id] as const]
    })
}

/** The consumers of a group, whose items have its name. */
function* membersOf(
  { before, after }: Touched,
  source: SnapshotSource,
): Iterable<readonly [ListName, string]> {
  const group = after ?? before
  const isRenamed = (before && labelOf(before)) !== (after && labelOf(after))
  if (group === undefined || !isRenamed) return
  for (const { fields } of source.referrers('group-member', 'consumer_group', group))
    yield ['consumers', fields.consumer.id]
}

/** The plugins that have the settings of a partial. */
function* linkedPlugins(
  { before, after }: Touched,
  source: SnapshotSource,
): Iterable<readonly [ListName, string]> {
  const partial = after ?? before
  if (partial === undefined) return
  for (const { id } of source.referrers('plugin', 'partials', partial)) yield ['plugins', id]
}

function* withItems(
  known: RadixMap<object>,
  list: ListName,
  ids: ReadonlySet<string>,
  source: SnapshotSource,
): CooperativeTask<RadixMap<object>> {
  const build = builders[list]
  const changes = new Map<string, object | undefined>()
  for (const id of ids) {
    yield
    const item = build(source, id)
    const old = known.get(id)
    const isSame = item !== undefined && old !== undefined && itemDigest(old) === itemDigest(item)
    if (!isSame) changes.set(id, item)
  }
  return yield* known.changeSteps(changes)
}

type Build = (source: SnapshotSource, id: string) => object | undefined

const builderOf =
  <K extends EntityName>(
    entity: K,
    build: (entry: Entry<K>, source: SnapshotSource) => object,
  ): Build =>
  (source, id) => {
    const entry = entriesOf(source.entries, entity).get(id)
    return entry === undefined ? undefined : build(entry, source)
  }

const builders: Readonly<Record<ListName, Build>> = {
  workspaces: builderOf('workspace', workspaceOf),
  services: builderOf('service', (entry): SnapshotItem<'services'> =>
    withWorkspace<'service'>(entry),
  ),
  routes: builderOf('route', routeOf),
  consumers: builderOf('consumer', consumerOf),
  consumer_groups: builderOf('consumer-group', (entry): SnapshotItem<'consumer_groups'> =>
    withWorkspace<'consumer-group'>(entry),
  ),
  keys: builderOf('key-auth', keyOf),
  upstreams: builderOf('upstream', upstreamOf),
  plugins: builderOf('plugin', pluginOf),
  certificates: builderOf('certificate', (entry): SnapshotItem<'certificates'> =>
    withWorkspace<'certificate'>(entry),
  ),
  snis: builderOf('sni', (entry): SnapshotItem<'snis'> => withWorkspace<'sni'>(entry)),
  ca_certificates: builderOf(
    'ca-certificate',
    ({ id, fields: { cert } }): SnapshotItem<'ca_certificates'> => ({ id, cert }),
  ),
  vaults: builderOf(
    'vault',
    ({ id, workspace, fields: { prefix, name, config } }): SnapshotItem<'vaults'> => ({
      id,
      workspace: workspace ?? '',
      prefix,
      name,
      config,
    }),
  ),
  basic_auths: builderOf('basic-auth', (entry): SnapshotItem<'basic_auths'> => ({
    ...credentialOf(entry),
    username: entry.fields.username,
    password: entry.fields.password,
  })),
  jwts: builderOf('jwt', (entry): SnapshotItem<'jwts'> => ({
    ...credentialOf(entry),
    key: entry.fields.key,
    algorithm: entry.fields.algorithm,
    secret: entry.fields.secret,
    rsa_public_key: entry.fields.rsa_public_key,
  })),
  hmac_auths: builderOf('hmac-auth', (entry): SnapshotItem<'hmac_auths'> => ({
    ...credentialOf(entry),
    username: entry.fields.username,
    secret: entry.fields.secret,
  })),
  mtls_auths: builderOf('mtls-auth', (entry): SnapshotItem<'mtls_auths'> => ({
    ...credentialOf(entry),
    subject_name: entry.fields.subject_name,
    ca_certificate: entry.fields.ca_certificate?.id ?? null,
  })),
}

type CredentialEntry = {
  readonly id: string
  readonly workspace: string | null
  readonly createdAt: number
  readonly fields: {
    readonly consumer: { readonly id: string }
    readonly ttl: number | null
    readonly previous_secret?: string | null
    readonly previous_expires_at?: number | null
  }
}

/** Entries of revisions that are older than a field lack it. */
function credentialOf({ id, workspace, createdAt, fields }: CredentialEntry) {
  const { consumer, ttl, previous_secret: secret, previous_expires_at: until } = fields
  return {
    id,
    workspace: workspace ?? '',
    consumer: consumer.id,
    // The stored ttl counts from the creation.
    ...(typeof ttl === 'number' ? { expires_at: createdAt + ttl } : {}),
    ...(typeof secret === 'string' && typeof until === 'number'
      ? { previous: { secret, expires_at: until } }
      : {}),
  }
}

type WithWorkspace<K extends EntityName> = Omit<Stored<K>, 'created_at' | 'updated_at' | 'tags'> & {
  readonly workspace: string
}

function withWorkspace<K extends EntityName>(entry: Entry<K>): WithWorkspace<K> {
  const { tags: _tags, ...fields } = (entry as Entry).fields
  return { ...fields, id: entry.id, workspace: entry.workspace } as unknown as WithWorkspace<K>
}

function workspaceOf({ id, fields }: Entry<'workspace'>): SnapshotItem<'workspaces'> {
  const { name, owned_hosts: hosts, owned_paths: paths, on_spool_full: onFull } = fields
  return {
    id,
    name,
    ...(isFilled(hosts) ? { owned_hosts: hosts } : {}),
    ...(isFilled(paths) ? { owned_paths: paths } : {}),
    ...(onFull === 'shed' ? { on_spool_full: onFull } : {}),
  }
}

/** Entries of revisions that are older than a field lack it. */
const isFilled = (list: readonly string[] | null | undefined): list is readonly string[] =>
  list !== null && list !== undefined && list.length > 0

function routeOf(entry: Entry<'route'>): SnapshotItem<'routes'> {
  return { ...withWorkspace<'route'>(entry), created_at: entry.createdAt }
}

function consumerOf(entry: Entry<'consumer'>, source: SnapshotSource): SnapshotItem<'consumers'> {
  const groups = entriesOf(source.entries, 'consumer-group')
  const acls = [...source.referrers('acl', 'consumer', entry)]
  const members = [...source.referrers('group-member', 'consumer', entry)]
  return {
    ...withWorkspace<'consumer'>(entry),
    groups: acls.map(({ fields }) => fields.group).toSorted(),
    consumer_groups: members
      .map(({ fields }) => String(groups.get(fields.consumer_group.id)?.fields.name))
      .toSorted(),
  }
}

function pluginOf(entry: Entry<'plugin'>, source: SnapshotSource): SnapshotItem<'plugins'> {
  const { partials, config, ...fields } = withWorkspace<'plugin'>(entry)
  const shared = entriesOf(source.entries, 'partial')
  return {
    ...fields,
    config: fillConfig(config, partials, (id) => shared.get(id)?.fields.config),
  }
}

function upstreamOf(entry: Entry<'upstream'>, source: SnapshotSource): SnapshotItem<'upstreams'> {
  const targets = [...source.referrers('target', 'upstream', entry)]
  return {
    ...withWorkspace<'upstream'>(entry),
    targets: targets.map(({ id, fields: { target, weight, failover } }) => ({
      id,
      target,
      weight,
      failover,
    })),
  }
}

function keyOf({ id, workspace, createdAt, fields }: Entry<'key-auth'>): SnapshotItem<'keys'> {
  const { ttl, key, consumer } = fields
  return {
    id,
    workspace: workspace ?? '',
    consumer: consumer.id,
    sha256: createHash('sha256').update(key).digest('hex'),
    // The stored ttl counts from the creation.
    expires_at: ttl === null ? null : createdAt + ttl,
  }
}

/** A source without indexes: it groups the entries of a kind when they are first read. */
export function sourceOf(entries: Entries): SnapshotSource {
  const groups = new Map<string, ReadonlyMap<string, readonly Entry[]>>()
  const group = (
    entity: EntityName,
    name: string,
    keysOfEntry: (entry: Entry) => readonly string[],
  ): ReadonlyMap<string, readonly Entry[]> => {
    const place = `${entity} ${name}`
    const known = groups.get(place)
    if (known !== undefined) return known
    const made = new Map<string, Entry[]>()
    for (const entry of entriesOf<EntityName>(entries, entity).values()) {
      for (const key of new Set(keysOfEntry(entry))) {
        const found = made.get(key)
        if (found === undefined) made.set(key, [entry])
        else found.push(entry)
      }
    }
    groups.set(place, made)
    return made
  }
  return {
    entries,
    referrers: (entity, field, { id }) =>
      (group(entity, `by ${field}`, (entry) => referencesIn(entry, field)).get(id) ?? []) as never,
    inWorkspace: (entity, workspace) =>
      group(entity, 'in', (entry) => [entry.workspace ?? []].flat()).get(workspace) ?? [],
  }
}
