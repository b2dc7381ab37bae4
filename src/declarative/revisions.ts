import type { Configuration } from '../control/configuration.ts'
import type { Touched } from '../control/draft.ts'
import type { Operation } from '../entities/operation.ts'
import { Problem } from '../lib/problem.ts'
import type { ConfigDifference, RevisionLine } from '../schema/config-difference.ts'
import {
  describeEntry,
  summarizeCounts,
  summarizeNamed,
  verbOf,
} from '../control/describe-entry.ts'
import { nameOf } from '../control/redact.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { entriesOf, referenceIn, type Entries, type Entry } from '../entities/entry.ts'
import type { ChangeCount, RecordedChange, Revision, RevisionSpan } from '../store/store.ts'
import { declaredEntities } from './declared-entities.ts'
import { describeDifferences } from './describe-differences.ts'

/** Who looks back, and at which part: one workspace, or all when absent. */
export type Looking = {
  readonly workspace?: string | undefined
  /** Whether an entry, present or past, may be known to the principal. */
  readonly isKnown: (entity: EntityName, entry: Entry) => boolean
  /** Whether the principal may read the list of such entities there. */
  readonly mayList: (entity: EntityName, workspace: string | null) => boolean
}

/** Revisions that did something which the principal may know, newest first; `below` goes on where another list ended. */
export async function listRevisions(
  configuration: Configuration,
  looking: Looking,
  { size, below }: { readonly size: number; readonly below?: number | undefined },
): Promise<RevisionLine[]> {
  const found: FoundLine[] = []
  let to = Math.min(configuration.current().revision, (below ?? Infinity) - 1)
  while (found.length < size && to >= 1) {
    const span = { from: Math.max(1, to - spanAtOnce + 1), to }
    const [revisions, counts] = await Promise.all([
      configuration.readRevisionSpan(span),
      configuration.countChanges(span),
    ])
    const byRevision = Map.groupBy(counts, ({ revision }) => revision)
    found.push(
      ...revisions.flatMap((revision) =>
        lineOf(revision, byRevision.get(revision.number) ?? [], looking),
      ),
    )
    to = span.from - 1
  }
  return addNames(configuration, looking, found.slice(0, size))
}

const spanAtOnce = 200

/** A revision with as few changes is summarized by their names, others by counts. */
const maxNamed = 2

type FoundLine = RevisionLine & { readonly isNamed: boolean }

function lineOf(
  { number, time, principal, message }: Revision,
  counts: readonly ChangeCount[],
  { workspace, mayList }: Looking,
): FoundLine[] {
  const seen = counts.filter(
    (count) => isIn(workspace, count.workspace) && mayList(count.entity, count.workspace),
  )
  if (seen.length === 0) return []
  const byKind = Map.groupBy(seen, ({ entity }) => entity)
  const kinds = [...byKind].map(([entity, list]) => ({ entity, ...sum(list) }))
  const all = sum(seen)
  const isWhole = seen.length === counts.length
  const isNamed = isWhole && all.created + all.updated + all.deleted <= maxNamed
  const summary = isWhole && !isNamed ? summarizeCounts(kinds) : null
  return [{ number, time, principal, message, summary, counts: all, kinds, isNamed }]
}

/** Summarizes revisions of few changes. Names are those that the asker may read now. */
async function addNames(
  configuration: Configuration,
  looking: Looking,
  found: readonly FoundLine[],
): Promise<RevisionLine[]> {
  const numbers = found.filter(({ isNamed }) => isNamed).map(({ number }) => number)
  const changes = await Promise.all(spansOf(numbers).map((span) => configuration.readChanges(span)))
  const byRevision = Map.groupBy(changes.flat(), ({ revision }) => revision)
  return found.map(({ isNamed, ...line }) =>
    isNamed
      ? { ...line, summary: summaryFor(configuration, looking, byRevision.get(line.number) ?? []) }
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
  looking: Looking,
  changes: readonly RecordedChange[],
): string | null {
  const { entries } = configuration.current()
  const named = changes.flatMap((change) => {
    const entry = change.after ?? change.before
    if (entry === undefined || !isSeen(looking, change)) return []
    const entity = entityNamed(change.entity)
    const words = describeEntry(entity, entry, (field) =>
      referenceFor(entity, entry, field, { entries, looking }),
    )
    return [{ verb: verbOf(change.before, change.after), entity: change.entity, words }]
  })
  return named.length === 0 || named.length < changes.length ? null : summarizeNamed(named)
}

/** The name of what an entry refers to, with its workspace where that is another one; its id when it is gone or the asker may not read it. */
function referenceFor(
  entity: Entity,
  entry: Entry,
  field: string,
  { entries, looking }: { readonly entries: Entries; readonly looking: Looking },
): string {
  const id = referenceIn(entry, field)
  const kind = entity.refersTo[field]
  if (id === undefined || kind === undefined) return ''
  const target = entries.get(kind)?.get(id)
  if (target === undefined || !looking.isKnown(kind, target)) return id
  const name = nameOf(entityNamed(kind), target)
  if (target.workspace === null || target.workspace === entry.workspace) return name
  const home = entriesOf(entries, 'workspace').get(target.workspace)
  if (home === undefined || !looking.isKnown('workspace', home)) return name
  return `${name} in ${home.fields.name}`
}

const sum = (list: readonly ChangeCount[]) => ({
  created: list.reduce((total, { created }) => total + created, 0),
  updated: list.reduce((total, { updated }) => total + updated, 0),
  deleted: list.reduce((total, { deleted }) => total + deleted, 0),
})

const isIn = (wanted: string | undefined, workspace: string | null): boolean =>
  wanted === undefined || workspace === wanted

/** One revision with what it did, as far as the principal may know it. */
export async function showRevision(
  configuration: Configuration,
  looking: Looking,
  number: number,
): Promise<(Omit<RevisionLine, 'kinds' | 'counts' | 'summary'> & ConfigDifference) | undefined> {
  const span = { from: number, to: number }
  const [revision] = await configuration.readRevisionSpan(span)
  const changes = await configuration.readChanges(span)
  const touched = seenBy(looking, changes)
  if (revision === undefined || touched.length === 0) return undefined
  const { time, principal, message } = revision
  const worlds = [configuration.current().entries, worldOf(touched)]
  return { number, time, principal, message, ...describeDifferences(touched, worlds) }
}

/** What would become of the present by going back to a revision. Who may do what is never rolled back: people, their roles and tokens stay. */
export async function planRollback(
  configuration: Configuration,
  looking: Looking,
  number: number,
): Promise<{
  readonly revision: number
  readonly difference: ConfigDifference
  readonly touched: readonly Touched[]
  readonly operations: readonly Operation[]
}> {
  const { revision, entries } = configuration.current()
  await checkKept(configuration, number)
  const changes = await configuration.readChanges({ from: number + 1, to: revision })
  const kinds = new Set<EntityName>([
    'workspace',
    ...declaredEntities('gateway').map(({ name }) => name),
  ])
  const touched = sinceThen(changes, entries)
    .filter(({ entity, before, after }) => {
      const home = (before ?? after)?.workspace ?? null
      return kinds.has(entity) && isIn(looking.workspace, home)
    })
    .filter((one) => isSeen(looking, one))
  const worlds = [worldOf(touched), entries]
  const difference = describeDifferences(touched, worlds)
  return { revision, difference, touched, operations: operationsFor(touched) }
}

/** What a span of changes did to each entity, seen from now: before is the present, after what it was. */
function sinceThen(changes: readonly RecordedChange[], present: Entries): Touched[] {
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

/** Removals first, each after what refers to it, so that names are free; then what comes back, each after what it refers to. */
function operationsFor(touched: readonly Touched[]): Operation[] {
  const order = new Map(entities.map(({ name }, index) => [name, index]))
  const rank = ({ entity }: Touched): number => order.get(entity) ?? 0
  const workspaceOf = ({ before, after }: Touched) => (after ?? before)?.workspace ?? null
  const gone = touched.filter(({ before, after }) => before !== undefined && after === undefined)
  const back = touched.flatMap((one) => {
    const { after } = one
    return after === undefined ? [] : [{ ...one, after }]
  })
  return [
    ...gone
      .toSorted((a, b) => rank(b) - rank(a))
      .map((one): Operation => ({
        kind: 'remove',
        entity: one.entity,
        workspace: workspaceOf(one),
        at: one.id,
        isById: true,
      })),
    ...back
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

async function checkKept(configuration: Configuration, number: number): Promise<void> {
  const { revision } = configuration.current()
  const [found] = await configuration.readRevisionSpan({ from: number, to: number })
  if (found === undefined) throw noRevision(number)
  if (number === revision) return
  const kept = await configuration.countChanges({ from: 1, to: number + 1 })
  if (kept.length > 0) return
  throw new Problem(
    'declarative.too_old',
    409,
    `Revision ${number} is from before changes were kept, and cannot be brought back`,
  )
}

/** There is no such revision, or none that the principal may know. */
export const noRevision = (number: number | string): Problem =>
  new Problem('declarative.no_revision', 404, `There is no revision ${number}`)

function seenBy(looking: Looking, changes: readonly RecordedChange[]): Touched[] {
  return changes.filter(
    (change) =>
      isIn(looking.workspace, (change.after ?? change.before)?.workspace ?? null) &&
      isSeen(looking, change),
  )
}

const isSeen = ({ isKnown }: Looking, { entity, before, after }: Touched): boolean =>
  [before, after].every((entry) => entry === undefined || isKnown(entity, entry))

/** Entries as they are after some changes, in which names can be looked up. */
function worldOf(touched: readonly Touched[]): Entries {
  const world = new Map<EntityName, Map<string, Entry>>()
  for (const { entity, id, before, after } of touched) {
    const entry = after ?? before
    const kind = world.get(entity) ?? new Map<string, Entry>()
    if (entry !== undefined) kind.set(id, entry)
    world.set(entity, kind)
  }
  return world
}
