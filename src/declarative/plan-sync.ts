import { runBetweenEvents } from '../lib/cooperative-task.ts'
import type { Configuration } from '../control/configuration.ts'
import type { Operation } from '../entities/operation.ts'
import { mayReferOf, type Reader } from '../control/reader.ts'
import { changeIndexes } from '../control/change-indexes.ts'
import type { OnProgress } from '../control/apply-operation.ts'
import { nameOf } from '../control/redact.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { SyncPlan } from '../schema/config-difference.ts'
import { entityNamed, type EntityName } from '../entities/entities.ts'
import type { Entries, Entry, Touched } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { declaredEntities, type DocumentPart } from './declared-entities.ts'
import { describeDifferences, type DifferenceReader } from './describe-differences.ts'
import { planDocument } from './plan-document.ts'
import { invalid, readDocument } from './read-document.ts'

export type SyncRequest = {
  readonly document: unknown
  /** The id of the principal. */
  readonly principal: string
  /** A name; a missing workspace is created. */
  readonly workspace: string
  readonly part: DocumentPart
  /** True keeps entities that the document omits. */
  readonly keepsRest: boolean
  /** The present configuration as the principal may read it. */
  readonly reader: Reader
  readonly onProgress?: OnProgress | undefined
}

/** The entities that a change touches, and all entries before and after it. */
export type TouchedEntries = {
  readonly touched: readonly Touched[]
  readonly before: Entries
  readonly after: Entries
}

export type PlannedChange = TouchedEntries & {
  /** The revision that it was planned on. */
  readonly revision: number
  readonly workspaceId: string
  readonly selectTags: readonly string[]
  readonly operations: readonly Operation[]
  /** Unchanged declared entities. */
  readonly unchanged: number
  /** Describes the planned change, or the one that was made of it, to the author of the document. */
  readonly describe: (change: TouchedEntries) => Promise<SyncPlan>
}

/** Changes nothing. */
export async function planSync(
  configuration: Configuration,
  request: SyncRequest,
): Promise<PlannedChange> {
  const { revision, indexes: start } = configuration.current()
  const document = readDocument(request.document)
  await start.prepare(changeIndexes)
  const { workspace, part } = request
  if (document.workspace !== undefined && document.workspace !== workspace) {
    throw invalid(
      `_workspace: the document is for workspace '${document.workspace}', not '${workspace}'`,
    )
  }
  const known = configuration.find({ entity: 'workspace', workspace: null, at: workspace })
  const workspaceId = known?.id ?? uuidv4()
  const { draft, operations, unchanged } = await planDocument(start, {
    ...request,
    document,
    workspace: workspaceId,
    ownsShared: workspaceId === defaultWorkspace.id,
    prerequisites: known === undefined ? [createWorkspace(workspaceId, workspace)] : [],
    context: {
      catalog: configuration.catalog,
      now: Math.floor(configuration.clock.now() / 1000),
      mayRefer: mayReferOf(start.entries, request.reader),
    },
  })
  const touched = await runBetweenEvents(draft.listTouched())
  await configuration.checkDraft(request.principal, draft, touched)
  const isDeclared = openKindCheck(part)
  return {
    revision,
    workspaceId,
    selectTags: document.selectTags,
    operations,
    unchanged,
    touched: touched.filter(isDeclared),
    before: start.entries,
    after: draft.entries,
    describe: openDescriber({ workspace, revision, unchanged }, request, start.entries),
  }
}

/** Whether an entity is of a kind that documents declare. */
function openKindCheck(part: DocumentPart): (touched: Touched) => boolean {
  const kinds = new Set<EntityName>([
    'workspace',
    ...declaredEntities(part).map(({ name }) => name),
  ])
  return ({ entity }) => kinds.has(entity)
}

/** Apart from the plan, so that it does not keep the draft. */
function openDescriber(
  plan: Pick<SyncPlan, 'workspace' | 'revision' | 'unchanged'>,
  { part, reader }: Pick<SyncRequest, 'part' | 'reader'>,
  present: Entries,
): PlannedChange['describe'] {
  const author = authorOf(present, reader)
  const isDeclared = openKindCheck(part)
  return async ({ touched, before, after }) => {
    const declared = touched.filter(isDeclared)
    const difference = describeDifferences(declared, [after, before], author)
    return { ...plan, ...(await runBetweenEvents(difference)) }
  }
}

/** The author of a document may also see the entities that it creates. */
const authorOf = (present: Entries, reader: Reader): DifferenceReader => {
  const isNew = (entity: EntityName, { id }: Entry): boolean =>
    present.get(entity)?.get(id) === undefined
  return {
    mayRead: (entity, entry) => isNew(entity, entry) || reader.mayRead(entity, entry),
    nameOf: (entity, entry) =>
      isNew(entity, entry) ? nameOf(entityNamed(entity), entry) : reader.nameOf(entity, entry),
  }
}

const createWorkspace = (id: string, name: string): Operation => ({
  kind: 'create',
  entity: 'workspace',
  workspace: null,
  body: { id, name },
})
