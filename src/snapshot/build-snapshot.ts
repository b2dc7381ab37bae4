import { createHash } from 'node:crypto'
import type { EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry, type Stored } from '../entities/entry.ts'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'

/** Builds the part of a configuration that nodes need: references resolved, API keys hashed, lists in order of id. */
export function buildSnapshot(entries: Entries): Snapshot {
  const groups = Map.groupBy(sortedById(entries, 'acl'), ({ fields }) => fields.consumer.id)
  const members = Map.groupBy(
    sortedById(entries, 'group-member'),
    ({ fields }) => fields.consumer.id,
  )
  const targets = Map.groupBy(sortedById(entries, 'target'), ({ fields }) => fields.upstream.id)
  const consumerGroups = entriesOf(entries, 'consumer-group')
  const nameOf = ({ fields }: Entry<'group-member'>): string =>
    String(consumerGroups.get(fields.consumer_group.id)?.fields.name)
  return snapshotOf({
    workspaces: sortedById(entries, 'workspace').map(({ id, fields: { name } }) => ({ id, name })),
    services: sortedById(entries, 'service').map((entry) => withWorkspace<'service'>(entry)),
    routes: sortedById(entries, 'route').map(routeOf),
    consumers: sortedById(entries, 'consumer').map((entry) => {
      const [acls, memberships] = [groups.get(entry.id), members.get(entry.id)]
      if (acls === undefined && memberships === undefined) return ungroupedConsumerOf(entry)
      return {
        ...withWorkspace<'consumer'>(entry),
        groups: (acls ?? []).map(({ fields }) => fields.group).toSorted(),
        consumer_groups: (memberships ?? []).map(nameOf).toSorted(),
      }
    }),
    consumer_groups: sortedById(entries, 'consumer-group').map((entry) =>
      withWorkspace<'consumer-group'>(entry),
    ),
    keys: sortedById(entries, 'key-auth').map(keyOf),
    upstreams: sortedById(entries, 'upstream').map((entry) => ({
      ...withWorkspace<'upstream'>(entry),
      targets: (targets.get(entry.id) ?? []).map(
        ({ id, fields: { target, weight, failover } }) => ({
          id,
          target,
          weight,
          failover,
        }),
      ),
    })),
    plugins: sortedById(entries, 'plugin').map((entry) => withWorkspace<'plugin'>(entry)),
    certificates: sortedById(entries, 'certificate').map((entry) =>
      withWorkspace<'certificate'>(entry),
    ),
    snis: sortedById(entries, 'sni').map((entry) => withWorkspace<'sni'>(entry)),
    ca_certificates: sortedById(entries, 'ca-certificate').map(({ id, fields: { cert } }) => ({
      id,
      cert,
    })),
    vaults: sortedById(entries, 'vault').map(
      ({ id, workspace, fields: { prefix, name, config } }) => ({
        id,
        workspace: workspace ?? '',
        prefix,
        name,
        config,
      }),
    ),
  })
}

const sortedById = <K extends EntityName>(entries: Entries, entity: K): Entry<K>[] =>
  [...entriesOf(entries, entity).values()].sort((a, b) => (a.id < b.id ? -1 : 1))

type WithWorkspace<K extends EntityName> = Omit<Stored<K>, 'created_at' | 'updated_at' | 'tags'> & {
  readonly workspace: string
}

/** Results that depend on one entry alone are cached, because a change touches few entries. */
const withWorkspace = <K extends EntityName>(entry: Entry<K>): WithWorkspace<K> =>
  buildWithWorkspace(entry as Entry) as unknown as WithWorkspace<K>

const buildWithWorkspace = memoizeByKey((entry: Entry) => {
  const { tags: _tags, ...fields } = entry.fields
  return { ...fields, id: entry.id, workspace: entry.workspace }
})

const routeOf = memoizeByKey((entry: Entry<'route'>) => ({
  ...withWorkspace<'route'>(entry),
  created_at: entry.createdAt,
}))

const ungroupedConsumerOf = memoizeByKey((entry: Entry<'consumer'>) => ({
  ...withWorkspace<'consumer'>(entry),
  groups: [],
  consumer_groups: [],
}))

const keyOf = memoizeByKey((entry: Entry<'key-auth'>): SnapshotItem<'keys'> => {
  const { ttl, key, consumer } = entry.fields
  return {
    id: entry.id,
    workspace: entry.workspace ?? '',
    consumer: consumer.id,
    sha256: createHash('sha256').update(key).digest('hex'),
    // The stored ttl counts from the creation.
    expires_at: ttl === null ? null : entry.createdAt + ttl,
  }
})
