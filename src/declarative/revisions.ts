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
  const found: RevisionLine[] = []
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
  return found.slice(0, size)
}

const spanAtOnce = 200

function lineOf(
  { number, time, principal, message, summary: told }: Revision,
  counts: readonly ChangeCount[],
  { workspace, mayList }: Looking,
): RevisionLine[] {
  const seen = counts.filter(
    (count) => isIn(workspace, count.workspace) && mayList(count.entity, count.workspace),
  )
  if (seen.length === 0) return []
  const byKind = Map.groupBy(seen, ({ entity }) => entity)
  const kinds = [...byKind].map(([entity, list]) => ({ entity, ...sum(list) }))
  const summary = seen.length === counts.length ? told : null
  return [{ number, time, principal, message, summary, counts: sum(seen), kinds }]
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
