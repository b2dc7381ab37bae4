import { runSliced } from '../lib/cooperative-task.ts'
import type { Configuration } from '../control/configuration.ts'
import type { Operation } from '../entities/operation.ts'
import { Problem } from '../lib/problem.ts'
import type { ConfigDifference, RevisionSummary } from '../schema/config-difference.ts'
import {
  describeEntry,
  summarizeCounts,
  summarizeNamed,
  verbOf,
} from '../control/describe-entry.ts'
import type { Reader } from '../control/reader.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import {
  entriesOf,
  referenceIn,
  type Entries,
  type EntryTables,
  type Entry,
  type Touched,
} from '../entities/entry.ts'
import type { Revision } from '../schema/audit-record.ts'
import type { ChangeCount, RecordedChange, RevisionSpan } from '../store/store.ts'
import { declaredEntities } from './declared-entities.ts'
import { describeDifferences } from './describe-differences.ts'

/** `workspace` limits the revisions to one workspace; all when absent. */
export type RevisionViewer = {
  readonly workspace?: string | undefined
  readonly reader: Pick<Reader, 'mayRead' | 'mayList' | 'nameOf'>
}

/** Revisions with changes that the viewer may see, newest first; `below` continues an earlier list. */
export async function listRevisions(
  configuration: Configuration,
  viewer: RevisionViewer,
  { size, below }: { readonly size: number; readonly below?: number | undefined },
): Promise<RevisionSummary[]> {
  const found: FoundLine[] = []
  let to = Math.min(configuration.current().revision, (below ?? Infinity) - 1)
  const oldest = (await configuration.prunedThrough()) + 1
  while (found.length < size && to >= oldest) {
    const span = { from: Math.max(oldest, to - spanSize + 1), to }
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
  return addNames(configuration, viewer, found.slice(0, size))
}

const spanSize = 200

/** A revision with as few changes is summarized by their names, others by counts. */
const maxNamed = 2

type FoundLine = RevisionSummary & { readonly isNamed: boolean }

function toLine(
  { number, time, principal, message }: Revision,
  counts: readonly ChangeCount[],
  { workspace, reader }: RevisionViewer,
): FoundLine[] {
  const seen = counts.filter(
    (count) =>
      isInWorkspace(workspace, count.workspace) && reader.mayList(count.entity, count.workspace),
  )
  if (seen.length === 0) return []
  const byKind = Map.groupBy(seen, ({ entity }) => entity)
  const kinds = [...byKind].map(([entity, list]) => ({ entity, ...sumCounts(list) }))
  const all = sumCounts(seen)
  const isWhole = seen.length === counts.length
  const isNamed = isWhole && all.created + all.updated + all.deleted <= maxNamed
  const summary = isWhole && !isNamed ? summarizeCounts(kinds) : null
  const told = isWhole ? message : null
  return [{ number, time, principal, message: told, summary, counts: all, kinds, isNamed }]
}

/** Summarizes revisions of few changes. Names are those that the reader may read now. */
async function addNames(
  configuration: Configuration,
  viewer: RevisionViewer,
  found: readonly FoundLine[],
): Promise<RevisionSummary[]> {
  const numbers = found.filter(({ isNamed }) => isNamed).map(({ number }) => number)
  const changes = await Promise.all(spansOf(numbers).map((span) => configuration.readChanges(span)))
  const byRevision = Map.groupBy(changes.flat(), ({ revision }) => revision)
  return found.map(({ isNamed, ...line }) =>
    isNamed
      ? { ...line, summary: summaryFor(configuration, viewer, byRevision.get(line.number) ?? []) }
      : line,
  )
}

/** Numbers in descending order as spans without gaps. */
function spansOf(numbers: readonly number[]): RevisionSpan[] {
  const spans: { from: number; to: number }[] = []
  for (const number of numbers) {
    const last = spans.at(-1)
    if (last?.from === number + 1) last.from = number
    else spans.push({ from: number, to: number })
  }
  return spans
}

function summaryFor(
  configuration: Configuration,
  viewer: RevisionViewer,
  changes: readonly RecordedChange[],
): string | null {
  const { entries } = configuration.current()
  const named = changes.flatMap((change) => {
    const entry = change.after ?? change.before
    if (entry === undefined || !isChangeVisible(viewer, change)) return []
    const entity = entityNamed(change.entity)
    const words = describeEntry(entity, entry, (field) =>
      referenceFor(entity, entry, field, { entries, viewer }),
    )
    return [{ verb: verbOf(change.before, change.after), entity: change.entity, words }]
  })
  return named.length === 0 || named.length < changes.length ? null : summarizeNamed(named)
}

/** The name of a referenced entity, with its workspace if different; its id when it is deleted or the reader may not read it. */
function referenceFor(
  entity: Entity,
  entry: Entry,
  field: string,
  { entries, viewer }: { readonly entries: Entries; readonly viewer: RevisionViewer },
): string {
  const id = referenceIn(entry, field)
  const kind = entity.refersTo[field]
  if (id === undefined || kind === undefined) return ''
  const target = entries.get(kind)?.get(id)
  if (target === undefined || !viewer.reader.mayRead(kind, target)) return id
  const name = viewer.reader.nameOf(kind, target)
  if (target.workspace === null || target.workspace === entry.workspace) return name
  const home = entriesOf(entries, 'workspace').get(target.workspace)
  if (home === undefined || !viewer.reader.mayRead('workspace', home)) return name
  return `${name} in ${home.fields.name}`
}

const sumCounts = (list: readonly ChangeCount[]) => ({
  created: list.reduce((total, { created }) => total + created, 0),
  updated: list.reduce((total, { updated }) => total + updated, 0),
  deleted: list.reduce((total, { deleted }) => total + deleted, 0),
})

const isInWorkspace = (limit: string | undefined, workspace: string | null): boolean =>
  limit === undefined || workspace === limit

/** Only changes that are visible to the viewer. */
export async function showRevision(
  configuration: Configuration,
  viewer: RevisionViewer,
  number: number,
): Promise<(Omit<RevisionSummary, 'kinds' | 'counts' | 'summary'> & ConfigDifference) | undefined> {
  const span = { from: number, to: number }
  const [revision] = await configuration.readRevisionSpan(span)
  const changes = await configuration.readChanges(span)
  requireKept(number, await configuration.prunedThrough())
  const touched = visibleChanges(viewer, changes)
  if (revision === undefined || touched.length === 0) return undefined
  const { time, principal } = revision
  const message = touched.length === changes.length ? revision.message : null
  const lookups = [configuration.current().entries, entriesAfter(touched)]
  const difference = await runSliced(describeDifferences(touched, lookups, viewer.reader))
  return { number, time, principal, message, ...difference }
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
  // Pruning may have begun while they were read.
  requireKept(number, await configuration.prunedThrough())
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
  const difference = await runSliced(describeDifferences(touched, lookups, viewer.reader))
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
  const pruned = await configuration.prunedThrough()
  requireKept(number, pruned)
  const [found] = await configuration.readRevisionSpan({ from: number, to: number })
  if (found === undefined) throw noRevision(number)
  if (number === revision || pruned > 0) return
  const recorded = await configuration.countChanges({ from: 1, to: number + 1 })
  if (recorded.length > 0) return
  throw new Problem(
    'declarative.too_old',
    409,
    `Revision ${number} cannot be restored, because changes were not recorded at the time`,
  )
}

function requireKept(number: number, prunedThrough: number): void {
  if (number < 1 || number > prunedThrough) return
  throw new Problem(
    'declarative.pruned',
    410,
    `Revision ${number} was pruned; the oldest revision that is kept is ${prunedThrough + 1}`,
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

const isChangeVisible = ({ reader }: RevisionViewer, { entity, before, after }: Touched): boolean =>
  [before, after].every((entry) => entry === undefined || reader.mayRead(entity, entry))

/** The entries after some changes, to look up names. */
function entriesAfter(touched: readonly Touched[]): EntryTables {
  const entries = new Map<EntityName, Map<string, Entry>>()
  for (const { entity, id, before, after } of touched) {
    const entry = after ?? before
    const kind = entries.get(entity) ?? new Map<string, Entry>()
    if (entry !== undefined) kind.set(id, entry)
    entries.set(entity, kind)
  }
  return entries
}
