import { applyOperation, type ApplyContext, type OnProgress } from '../control/apply-operation.ts'
import { checkReferences } from '../control/remove-entry.ts'
import type { Reader } from '../control/reader.ts'
import type { ConfigurationView } from '../control/configuration-view.ts'
import { openDraft, type Draft } from '../control/draft.ts'
import type { Operation } from '../entities/operation.ts'
import { runBetweenEvents, type CooperativeTask } from '../lib/cooperative-task.ts'
import { canonicalText } from '../lib/canonical-text.ts'
import { idTaken } from '../entities/kong-problem.ts'
import { Problem } from '../lib/problem.ts'
import { entities, type EntityName } from '../entities/entities.ts'
import { referenceIn, tagsOf, type Entries, type Entry } from '../entities/entry.ts'
import { declaredEntities, type DocumentPart } from './declared-entities.ts'
import { flattenDocument, type Declared } from './flatten-document.ts'
import { matchDeclared } from './match-declared.ts'
import { invalid, type DeclarativeDocument } from './read-document.ts'

export type PlanRequest = {
  readonly document: DeclarativeDocument
  readonly part: DocumentPart
  /** An id. */
  readonly workspace: string
  /** False when entities outside workspaces, such as CA certificates, belong to another document. */
  readonly ownsShared: boolean
  /** True keeps entities that the document omits. */
  readonly keepsRest: boolean
  /** The present configuration as the principal may read it. */
  readonly reader: Reader
  /** Operations that come first, such as creating the workspace. */
  readonly prerequisites: readonly Operation[]
  readonly context: ApplyContext
  readonly onProgress?: OnProgress | undefined
}

export type PlannedSync = {
  readonly operations: readonly Operation[]
  readonly draft: Draft
  readonly unchanged: number
}

/** Entities between two reports of progress. */
const reportInterval = 100

/** Plans the operations by applying them to a draft. Throws one problem that lists every fault. */
export const planDocument = (
  start: ConfigurationView,
  request: PlanRequest,
): Promise<PlannedSync> => runBetweenEvents(planSteps(start, request))

function* planSteps(start: ConfigurationView, request: PlanRequest): CooperativeTask<PlannedSync> {
  const declared = yield* flattenDocument(request.document, request.part)
  const draft = openDraft(start)
  for (const operation of request.prerequisites) applyOperation(draft, operation, request.context)
  const { isHashed } = request.document
  const matched = yield* matchDeclared(declared, { ...request, draft, isHashed })
  const declaredIds = new Set(matched.map(({ operation }) => operation.at ?? ''))
  const removals = request.keepsRest ? [] : yield* planRemovals(draft, request, declaredIds)
  for (const operation of removals) {
    yield
    applyOperation(draft, operation, request.context)
  }
  const faults: Fault[] = []
  const operations: Operation[] = [...request.prerequisites, ...removals]
  let unchanged = 0
  for (const [index, { declared: one, operation }] of matched.entries()) {
    const fault = collectFault(one, () => {
      refuseHidden(start, request.reader, operation)
      const { before, after } = applyOperation(draft, operation, request.context)
      if (before !== undefined && after !== undefined && isSame(before, after)) {
        draft.put(operation.entity, before)
        unchanged += 1
      } else operations.push(operation)
    })
    if (fault !== undefined) faults.push(fault)
    if (index % reportInterval === reportInterval - 1)
      request.onProgress?.(index + 1, matched.length)
    yield
  }
  if (faults.length > 0) throw invalidDocument(faults)
  yield* checkReferences(draft)
  request.onProgress?.(matched.length, matched.length)
  return { operations, draft, unchanged }
}

/** The id of an unreadable entity cannot be used, and the answer does not disclose its location. */
function refuseHidden(
  start: ConfigurationView,
  { mayRead }: Reader,
  { entity, at = '' }: Operation,
): void {
  const known = start.entries.get(entity)?.get(at)
  if (known !== undefined && !mayRead(entity, known)) throw idTaken(at)
}

const isSame = (before: Entry, after: Entry): boolean =>
  canonicalText(before.fields) === canonicalText(after.fields)

type Fault = { readonly where: string; readonly kind: string; readonly problem: Problem }

/** Collects a refusal, so that planning continues and reports all faults together. */
function collectFault({ where, entity }: Declared, work: () => void): Fault | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { where, kind: entity.name, problem: error }
  }
}

function invalidDocument(faults: readonly Fault[]): Problem {
  const lines = faults.slice(0, 20).map(({ where, problem }) => `${where}: ${problem.message}`)
  const more = faults.length > 20 ? [`and ${faults.length - 20} more`] : []
  return invalid([...lines, ...more].join('\n'), {
    flattened_errors: faults.slice(0, 1000).map(({ where, kind, problem }) => ({
      where,
      entity_type: kind,
      message: problem.message,
      errors: problem.detail['fields'] ?? {},
    })),
  })
}

/** Removes existing entities that the document omits, with their dependents; each after those that refer to it. */
function* planRemovals(
  draft: Draft,
  request: PlanRequest,
  declaredIds: ReadonlySet<string>,
): CooperativeTask<readonly Operation[]> {
  const removed = new Map<string, ScopedEntry>()
  for (const { entity, entry } of yield* entriesInScope(draft.entries, request)) {
    if (!declaredIds.has(entry.id)) removed.set(entry.id, { entity, entry })
  }
  yield* addDependents(draft, removed, declaredIds)
  const order = entities.map(({ name }) => name)
  return [...removed.values()]
    .sort((a, b) => order.indexOf(b.entity) - order.indexOf(a.entity))
    .map(({ entity, entry }) => ({
      kind: 'remove',
      entity,
      workspace: entry.workspace,
      at: entry.id,
      isById: true,
    }))
}

type Scope = Pick<PlanRequest, 'document' | 'part' | 'workspace' | 'ownsShared'> & {
  readonly reader: Pick<Reader, 'mayRead'>
}

export type ScopedEntry = { readonly entity: EntityName; readonly entry: Entry }

/** The entities that a document with these tags manages. An entity without tags belongs to the scope of its parent. */
export function* entriesInScope(
  all: Entries,
  { document: { selectTags }, part, workspace, ownsShared, reader }: Scope,
): CooperativeTask<ScopedEntry[]> {
  const inScope = new Set<string>()
  const found: ScopedEntry[] = []
  for (const { name, fields, belongsTo, inWorkspace } of declaredEntities(part)) {
    for (const entry of all.get(name)?.values() ?? []) {
      yield
      const isHere = inWorkspace ? entry.workspace === workspace : ownsShared
      const tags = tagsOf(entry)
      const parent = belongsTo === undefined ? undefined : referenceIn(entry, belongsTo)
      const isTagged =
        'tags' in fields.shape || parent === undefined
          ? selectTags.every((tag) => tags.includes(tag))
          : inScope.has(parent)
      if (!isHere || !isTagged || !reader.mayRead(name, entry)) continue
      inScope.add(entry.id)
      found.push({ entity: name, entry })
    }
  }
  return found
}

function* addDependents(
  draft: Draft,
  removed: Map<string, ScopedEntry>,
  declaredIds: ReadonlySet<string>,
): CooperativeTask<void> {
  if (removed.size === 0) return
  for (const entity of entities) {
    const fields = [...(entity.cascades ?? []), ...(entity.belongsTo ? [entity.belongsTo] : [])]
    for (const entry of fields.length === 0 ? [] : draft.all(entity.name)) {
      yield
      const isLost = fields.some((field) => removed.has(referenceIn(entry, field) ?? ''))
      if (isLost && !declaredIds.has(entry.id) && !removed.has(entry.id))
        removed.set(entry.id, { entity: entity.name, entry })
    }
  }
}
