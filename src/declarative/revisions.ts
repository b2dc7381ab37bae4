import type { Configuration } from '../control/configuration.ts'
import type { Touched } from '../control/draft.ts'
import type { Operation } from '../entities/operation.ts'
import { Problem } from '../lib/problem.ts'
import type { ConfigDifference, RevisionLine } from '../schema/config-difference.ts'
import { entities, type EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { ChangeCount, RecordedChange, Revision } from '../store/store.ts'
import { declaredEntities } from './declared-entities.ts'
import { describeDifferences } from './describe-differences.ts'

/** `workspace` limits the revisions to one workspace; all when absent. */
export type RevisionViewer = {
  readonly workspace?: string | undefined
  /** Whether the principal may read an entry, current or earlier. */
  readonly isVisible: (entity: EntityName, entry: Entry) => boolean
  /** Whether the principal may read the list of such entities there. */
  readonly mayList: (entity: EntityName, workspace: string | null) => boolean
}

/** Revisions with changes that the viewer may see, newest first; `below` continues an earlier list. */
export async function listRevisions(
  configuration: Configuration,
  viewer: RevisionViewer,
  { size, below }: { readonly size: number; readonly below?: number | undefined },
): Promise<RevisionLine[]> {
  const found: RevisionLine[] = []
  let to = Math.min(configuration.current().revision, (below ?? Infinity) - 1)
  while (found.length < size && to >= 1) {
    const span = { from: Math.max(1, to - spanSize + 1), to }
    const [revisions, counts] = await Promise.all([
      configuration.readRevisionSpan(span),
      configuration.countChanges(span),
    ])
    const byRevision = Map.groupBy(counts, ({ revision }) => revision)
    found.push(
      ...revisions.flatMap((revision) =>
        toLine(revision, byRevision.get(revision.number) ?? [], viewer),
      ),
    )
    to = span.from - 1
  }
  return found.slice(0, size)
}

const spanSize = 200

function toLine(
  { number, time, principal, message, summary: fullSummary }: Revision,
  counts: readonly ChangeCount[],
  { workspace, mayList }: RevisionViewer,
): RevisionLine[] {
  const visible = counts.filter(
    (count) => isInWorkspace(workspace, count.workspace) && mayList(count.entity, count.workspace),
  )
  if (visible.length === 0) return []
  const byKind = Map.groupBy(visible, ({ entity }) => entity)
  const kinds = [...byKind].map(([entity, list]) => ({ entity, ...sumCounts(list) }))
  const summary = visible.length === counts.length ? fullSummary : null
  return [{ number, time, principal, message, summary, counts: sumCounts(visible), kinds }]
}

const sumCounts = (list: readonly ChangeCount[]) => ({
  created: list.reduce((total, { created }) => total + created, 0),
  updated: list.reduce((total, { updated }) => total + updated, 0),
  deleted: list.reduce((total, { deleted }) => total + deleted, 0),
})

const isInWorkspace = (limit: string | undefined, workspace: string | null): boolean =>
  limit === undefined || workspace === limit

/** Only changes that the viewer may see. */
export async function showRevision(
  configuration: Configuration,
  viewer: RevisionViewer,
  number: number,
): Promise<(Omit<RevisionLine, 'kinds' | 'counts' | 'summary'> & ConfigDifference) | undefined> {
  const span = { from: number, to: number }
  const [revision] = await configuration.readRevisionSpan(span)
  const changes = await configuration.readChanges(span)
  const touched = visibleChanges(viewer, changes)
  if (revision === undefined || touched.length === 0) return undefined
  const { time, principal, message } = revision
  const lookups = [configuration.current().entries, entriesAfter(touched)]
  return { number, time, principal, message, ...describeDifferences(touched, lookups) }
}

/** Plans a rollback to a revision. Principals, roles and tokens are never rolled back. */
export async function planRollback(
  configuration: Configuration,
  viewer: RevisionViewer,
  number: number,
): Promise<{
  readonly revision: number
  readonly difference: ConfigDifference
  readonly touched: readonly Touched[]
  readonly operations: readonly Operation[]
}> {
  const { revision, entries } = configuration.current()
  await requireRecordedChanges(configuration, number)
  const changes = await configuration.readChanges({ from: number + 1, to: revision })
  const kinds = new Set<EntityName>([
    'workspace',
    ...declaredEntities('gateway').map(({ name }) => name),
  ])
  const touched = netChanges(changes, entries)
    .filter(({ entity, before, after }) => {
      const workspace = (before ?? after)?.workspace ?? null
      return kinds.has(entity) && isInWorkspace(viewer.workspace, workspace)
    })
    .filter((one) => isChangeVisible(viewer, one))
  const lookups = [entriesAfter(touched), entries]
  const difference = describeDifferences(touched, lookups)
  return { revision, difference, touched, operations: rollbackOperations(touched) }
}

/** Reverses a span of changes: `before` is the current entry, `after` the earlier one. */
function netChanges(changes: readonly RecordedChange[], present: Entries): Touched[] {
  const first = new Map<string, RecordedChange>()
  for (const change of changes) {
    const key = `${change.entity} ${change.id}`
    if (!first.has(key)) first.set(key, change)
  }
  return [...first.values()].map(({ entity, id, before }) => ({
    entity,
    id,
    before: present.get(entity)?.get(id),
    after: before,
  }))
}

/** Removals come first so that unique names are free, dependents before what they refer to; restored entries follow in the opposite order. */
function rollbackOperations(touched: readonly Touched[]): Operation[] {
  const order = new Map(entities.map(({ name }, index) => [name, index]))
  const rank = ({ entity }: Touched): number => order.get(entity) ?? 0
  const workspaceOf = ({ before, after }: Touched) => (after ?? before)?.workspace ?? null
  const deletions = touched.filter(
    ({ before, after }) => before !== undefined && after === undefined,
  )
  const restorations = touched.flatMap((one) => {
    const { after } = one
    return after === undefined ? [] : [{ ...one, after }]
  })
  return [
    ...deletions
      .toSorted((a, b) => rank(b) - rank(a))
      .map((one): Operation => ({
        kind: 'remove',
        entity: one.entity,
        workspace: workspaceOf(one),
        at: one.id,
        isById: true,
      })),
    ...restorations
      .toSorted((a, b) => rank(a) - rank(b))
      .map((one): Operation => ({
        kind: 'restore',
        entity: one.entity,
        workspace: workspaceOf(one),
        at: one.id,
        isById: true,
        entry: one.after,
      })),
  ]
}

async function requireRecordedChanges(configuration: Configuration, number: number): Promise<void> {
  const { revision } = configuration.current()
  const [found] = await configuration.readRevisionSpan({ from: number, to: number })
  if (found === undefined) throw noRevision(number)
  if (number === revision) return
  const recorded = await configuration.countChanges({ from: 1, to: number + 1 })
  if (recorded.length > 0) return
  throw new Problem(
    'declarative.too_old',
    409,
    `Revision ${number} cannot be restored, because changes were not recorded at the time`,
  )
}

/** Also for revisions that the viewer may not see. */
export const noRevision = (number: number | string): Problem =>
  new Problem('declarative.no_revision', 404, `Revision ${number} not found`)

function visibleChanges(viewer: RevisionViewer, changes: readonly RecordedChange[]): Touched[] {
  return changes.filter(
    (change) =>
      isInWorkspace(viewer.workspace, (change.after ?? change.before)?.workspace ?? null) &&
      isChangeVisible(viewer, change),
  )
}

const isChangeVisible = (
  { isVisible }: RevisionViewer,
  { entity, before, after }: Touched,
): boolean => [before, after].every((entry) => entry === undefined || isVisible(entity, entry))

/** The entries after some changes, for looking up names. */
function entriesAfter(touched: readonly Touched[]): Entries {
  const entries = new Map<EntityName, Map<string, Entry>>()
  for (const { entity, id, before, after } of touched) {
    const entry = after ?? before
    const kind = entries.get(entity) ?? new Map<string, Entry>()
    if (entry !== undefined) kind.set(id, entry)
    entries.set(entity, kind)
  }
  return entries
}
