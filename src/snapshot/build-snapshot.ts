import { createHash } from 'node:crypto'
import type { EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry, type Stored } from '../entities/entry.ts'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import type { Snapshot, SnapshotKey } from '../schema/snapshot.ts'

/** The snapshot of a configuration: what nodes need of it, references resolved, secrets hashed, every list in order of id. */
export function buildSnapshot(entries: Entries): Snapshot {
  const groups = Map.groupBy(inOrder(entries, 'acl'), ({ fields }) => fields.consumer.id)
  const members = Map.groupBy(inOrder(entries, 'group-member'), ({ fields }) => fields.consumer.id)
  const targets = Map.groupBy(inOrder(entries, 'target'), ({ fields }) => fields.upstream.id)
  const consumerGroups = entriesOf(entries, 'consumer-group')
  const nameOf = ({ fields }: Entry<'group-member'>): string =>
    String(consumerGroups.get(fields.consumer_group.id)?.fields.name)
  return {
    format: 1,
    workspaces: inOrder(entries, 'workspace').map(({ id, fields: { name } }) => ({ id, name })),
    services: inOrder(entries, 'service').map((entry) => placed<'service'>(entry)),
    routes: inOrder(entries, 'route').map(routeOf),
    consumers: inOrder(entries, 'consumer').map((entry) => {
      const [own, joined] = [groups.get(entry.id), members.get(entry.id)]
      if (own === undefined && joined === undefined) return loneConsumerOf(entry)
      return {
        ...placed<'consumer'>(entry),
        groups: (own ?? []).map(({ fields }) => fields.group).toSorted(),
        consumer_groups: (joined ?? []).map(nameOf).toSorted(),
      }
    }),
    consumer_groups: inOrder(entries, 'consumer-group').map((entry) =>
      placed<'consumer-group'>(entry),
    ),
    keys: inOrder(entries, 'key-auth').map(keyOf),
    upstreams: inOrder(entries, 'upstream').map((entry) => ({
      ...placed<'upstream'>(entry),
      targets: (targets.get(entry.id) ?? []).map(
        ({ id, fields: { target, weight, failover } }) => ({
          id,
          target,
          weight,
          failover,
        }),
      ),
    })),
    plugins: inOrder(entries, 'plugin').map((entry) => placed<'plugin'>(entry)),
    certificates: inOrder(entries, 'certificate').map((entry) => placed<'certificate'>(entry)),
    snis: inOrder(entries, 'sni').map((entry) => placed<'sni'>(entry)),
    ca_certificates: inOrder(entries, 'ca-certificate').map(({ id, fields: { cert } }) => ({
      id,
      cert,
    })),
    vaults: inOrder(entries, 'vault').map(
      ({ id, workspace, fields: { prefix, name, config } }) => ({
        id,
        workspace: workspace ?? '',
        prefix,
        name,
        config,
      }),
    ),
  }
}

const inOrder = <K extends EntityName>(entries: Entries, entity: K): Entry<K>[] =>
  [...entriesOf(entries, entity).values()].sort((a, b) => (a.id < b.id ? -1 : 1))

type Placed<K extends EntityName> = Omit<Stored<K>, 'created_at' | 'updated_at' | 'tags'> & {
  readonly workspace: string
}

/** What follows from an entry alone is worked out once: a change touches few of many. */
const placed = <K extends EntityName>(entry: Entry<K>): Placed<K> =>
  placedOf(entry as Entry) as unknown as Placed<K>

const placedOf = memoizeByKey((entry: Entry) => {
  const { tags: _tags, ...fields } = entry.fields
  return { ...fields, id: entry.id, workspace: entry.workspace }
})

const routeOf = memoizeByKey((entry: Entry<'route'>) => ({
  ...placed<'route'>(entry),
  created_at: entry.createdAt,
}))

const loneConsumerOf = memoizeByKey((entry: Entry<'consumer'>) => ({
  ...placed<'consumer'>(entry),
  groups: [],
  consumer_groups: [],
}))

/** The time to live of a key counts from its creation. */
const keyOf = memoizeByKey((entry: Entry<'key-auth'>): SnapshotKey => {
  const { ttl, key, consumer } = entry.fields
  return {
    id: entry.id,
    workspace: entry.workspace ?? '',
    consumer: consumer.id,
    sha256: createHash('sha256').update(key).digest('hex'),
    // The time to live counts from the creation.
    expires_at: ttl === null ? null : entry.createdAt + ttl,
  }
})
