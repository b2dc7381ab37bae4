import { createHash } from 'node:crypto'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import { referenceIn, type Entries, type Entry } from '../schema/entry.ts'
import type { Snapshot, SnapshotKey } from '../schema/snapshot.ts'

type Consumer = Snapshot['consumers'][number]

/** The snapshot of a configuration: what nodes need of it, references resolved, secrets hashed, every list in order of id. */
export function buildSnapshot(entries: Entries): Snapshot {
  const groups = grouped(entries, 'acl', 'consumer')
  const members = grouped(entries, 'group-member', 'consumer')
  const nameOf = (member: Entry): string => {
    const group = entries.get('consumer-group')?.get(referenceIn(member, 'consumer_group') ?? '')
    return String(group?.fields['name'])
  }
  const targets = grouped(entries, 'target', 'upstream')
  return {
    format: 1,
    workspaces: inOrder(entries, 'workspace').map((entry) => ({
      id: entry.id,
      name: String(entry.fields['name']),
    })),
    services: inOrder(entries, 'service').map((entry) => placed(entry)),
    routes: inOrder(entries, 'route').map(routeOf),
    consumers: inOrder(entries, 'consumer').map((entry) => {
      const [own, joined] = [groups.get(entry.id), members.get(entry.id)]
      if (own === undefined && joined === undefined) return loneConsumerOf(entry)
      return {
        ...placed<Consumer>(entry),
        groups: (own ?? []).map(({ fields }) => String(fields['group'])).toSorted(),
        consumer_groups: (joined ?? []).map(nameOf).toSorted(),
      }
    }),
    consumer_groups: inOrder(entries, 'consumer-group').map((entry) => placed(entry)),
    keys: inOrder(entries, 'key-auth').map(keyOf),
    upstreams: inOrder(entries, 'upstream').map((entry) => ({
      ...placed<Snapshot['upstreams'][number]>(entry),
      targets: (targets.get(entry.id) ?? []).map(({ id, fields }) => ({
        id,
        target: String(fields['target']),
        weight: Number(fields['weight']),
        failover: fields['failover'] === true,
      })),
    })),
    plugins: inOrder(entries, 'plugin').map((entry) => placed(entry)),
    certificates: inOrder(entries, 'certificate').map((entry) => placed(entry)),
    snis: inOrder(entries, 'sni').map((entry) => placed(entry)),
    ca_certificates: inOrder(entries, 'ca-certificate').map(({ id, fields }) => ({
      id,
      cert: String(fields['cert']),
    })),
    vaults: inOrder(entries, 'vault').map(({ id, workspace, fields }) => ({
      id,
      workspace: workspace ?? '',
      prefix: String(fields['prefix']),
      name: String(fields['name']),
      config: fields['config'] as Snapshot['vaults'][number]['config'],
    })),
  }
}

function inOrder(entries: Entries, entity: string): Entry[] {
  const found = [...(entries.get(entity)?.values() ?? [])]
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function grouped(entries: Entries, entity: string, field: string): Map<string, Entry[]> {
  return Map.groupBy(inOrder(entries, entity), (entry) => referenceIn(entry, field) ?? '')
}

/** What follows from an entry alone is worked out once: a change touches few of many. */
const placed = <Placed extends { readonly id: string; readonly workspace: string }>(
  entry: Entry,
): Placed => placedOf(entry) as unknown as Placed

const placedOf = memoizeByKey((entry: Entry) => {
  const { tags: _tags, ...fields } = entry.fields
  return { ...fields, id: entry.id, workspace: entry.workspace }
})

const routeOf = memoizeByKey((entry: Entry) => ({
  ...placed<Snapshot['routes'][number]>(entry),
  created_at: entry.createdAt,
}))

const loneConsumerOf = memoizeByKey((entry: Entry) => ({
  ...placed<Consumer>(entry),
  groups: [],
  consumer_groups: [],
}))

/** The time to live of a key counts from its creation. */
const keyOf = memoizeByKey((entry: Entry): SnapshotKey => {
  const ttl = entry.fields['ttl'] as number | null
  return {
    id: entry.id,
    workspace: entry.workspace ?? '',
    consumer: referenceIn(entry, 'consumer') ?? '',
    sha256: createHash('sha256').update(String(entry.fields['key'])).digest('hex'),
    expires_at: ttl === null ? null : entry.createdAt + ttl,
  }
})
