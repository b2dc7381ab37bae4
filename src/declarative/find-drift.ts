import { runSliced } from '../lib/cooperative-task.ts'
import type { Reader } from '../control/reader.ts'
import type { Configuration } from '../control/configuration.ts'
import type { Drift, DriftAuthor } from '../schema/config-difference.ts'
import { entityNamed, type EntityName } from '../entities/entities.ts'
import { tagsOf, type EntryTables, type Entry, type Touched } from '../entities/entry.ts'
import type { Revision } from '../schema/audit-record.ts'
import type { RecordedChange } from '../store/store.ts'
import { declaredEntities } from './declared-entities.ts'
import { describeDifferences } from './describe-differences.ts'
import { readSyncs, type RecordedSync } from './record-sync.ts'

export type DriftRequest = {
  /** An id. */
  readonly workspace: string
  /** The tags of the sync to compare with; the latest sync when absent. */
  readonly tags?: readonly string[] | undefined
  readonly reader: Pick<Reader, 'mayRead' | 'nameOf'>
}

/** Lists the changes in a workspace since its last sync, with their authors. */
export async function findDrift(
  configuration: Configuration,
  request: DriftRequest,
): Promise<Drift> {
  const synced = await lastSync(configuration, request)
  if (synced === undefined) return { counts: noChanges, items: [] }
  const { revision, entries } = configuration.current()
  const span = { from: synced.revision + 1, to: revision }
  const [changes, revisions] = await Promise.all([
    configuration.readChanges(span),
    configuration.readRevisionSpan(span),
  ])
  const kinds = new Set(declaredEntities('gateway').map(({ name }) => name))
  const byEntity = Map.groupBy(
    changes.filter((change) => kinds.has(change.entity)),
    ({ entity, id }) => `${entity} ${id}`,
  )
  const touched = [...byEntity.values()].flatMap((list): Touched[] => {
    const { entity, id, before } = list[0] as RecordedChange
    const one = { entity, id, before, after: entries.get(entity)?.get(id) }
    return isInScope(one, synced, request) ? [one] : []
  })
  const lookups = [entries, entriesBefore(touched)]
  const { counts, items } = await runSliced(describeDifferences(touched, lookups, request.reader))
  const partlyHidden = new Set(
    changes
      .filter(({ entity, before, after }) =>
        [before, after].some((side) => side !== undefined && !request.reader.mayRead(entity, side)),
      )
      .map(({ revision: number }) => number),
  )
  const authors = new Map(
    revisions.map((one) => [one.number, authorOf(one, partlyHidden.has(one.number))]),
  )
  return {
    synced,
    counts,
    items: items.map((item) => ({
      ...item,
      by: (byEntity.get(`${item.entity} ${item.id}`) ?? []).flatMap(
        (change) => authors.get(change.revision) ?? [],
      ),
    })),
  }
}

const noChanges = { created: 0, updated: 0, deleted: 0 }

async function lastSync(
  configuration: Configuration,
  { workspace, tags }: DriftRequest,
): Promise<RecordedSync | undefined> {
  const syncs = await readSyncs(configuration, workspace)
  if (tags !== undefined) return syncs[[...tags].sort().join(',')]
  return Object.values(syncs).toSorted((a, b) => b.time - a.time)[0]
}

/** In scope: in this workspace, with the tags of the sync before or after the change, and visible. */
function isInScope(
  { entity, before, after }: Touched,
  { tags }: RecordedSync,
  { workspace, reader }: DriftRequest,
): boolean {
  const sides = [before, after].filter((entry) => entry !== undefined)
  const hasTags = 'tags' in entityNamed(entity).fields.shape
  const isTagged = (entry: Entry): boolean =>
    !hasTags || tags.every((tag) => tagsOf(entry).includes(tag))
  return (
    sides.some((entry) => entry.workspace === workspace && isTagged(entry)) &&
    sides.every((entry) => reader.mayRead(entity, entry))
  )
}

const authorOf = (
  { number, time, principal, message }: Revision,
  isPartlyHidden: boolean,
): DriftAuthor => ({
  revision: number,
  time,
  principal,
  message: isPartlyHidden ? null : message,
})

function entriesBefore(touched: readonly Touched[]): EntryTables {
  const entries = new Map<EntityName, Map<string, Entry>>()
  for (const { entity, id, before } of touched) {
    const kind = entries.get(entity) ?? new Map<string, Entry>()
    if (before !== undefined) kind.set(id, before)
    entries.set(entity, kind)
  }
  return entries
}
