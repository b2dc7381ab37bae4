import type { Configuration } from '../control/configuration.ts'
import type { Operation } from '../entities/operation.ts'
import type { Touched } from '../control/draft.ts'
import type { OnProgress } from '../control/apply-operation.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { SyncPlan } from '../schema/config-difference.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { declaredEntities, type DocumentPart } from './declared-entities.ts'
import { describeDifferences } from './describe-differences.ts'
import { planDocument } from './plan-document.ts'
import { invalid, readDocument } from './read-document.ts'

/** Which document is to be made true, where, and how. */
export type SyncRequest = {
  readonly document: unknown
  /** The workspace by name; one that is not there is made. */
  readonly workspace: string
  readonly part: DocumentPart
  /** Whether what the document does not speak of is left alone. */
  readonly keepsRest: boolean
  /** Whether an entity that is there may be known to the principal. */
  readonly isKnown: (entity: EntityName, entry: Entry) => boolean
  readonly onProgress?: OnProgress | undefined
}

/** A plan with what it needs to be carried out, and the configuration that would come of it. */
export type PlannedChange = {
  readonly plan: SyncPlan
  readonly workspaceId: string
  readonly selectTags: readonly string[]
  readonly operations: readonly Operation[]
  readonly touched: readonly Touched[]
  readonly entries: Entries
}

/** Plans how a workspace becomes what a document says; changes nothing. */
export async function planSync(
  configuration: Configuration,
  request: SyncRequest,
): Promise<PlannedChange> {
  const { revision, entries: start } = configuration.current()
  const document = readDocument(request.document)
  const { workspace, part } = request
  if (document.workspace !== undefined && document.workspace !== workspace) {
    throw invalid(`_workspace: the document is for ${document.workspace}, and not ${workspace}`)
  }
  const known = configuration.find({ entity: 'workspace', workspace: null, at: workspace })
  const workspaceId = known?.id ?? uuidv4()
  const { draft, operations, unchanged } = await planDocument(start, {
    ...request,
    document,
    workspace: workspaceId,
    ownsShared: workspaceId === defaultWorkspace.id,
    first: known === undefined ? [makeWorkspace(workspaceId, workspace)] : [],
    context: {
      catalog: configuration.catalog,
      now: Math.floor(configuration.clock.now() / 1000),
    },
  })
  const kinds = new Set<EntityName>([
    'workspace',
    ...declaredEntities(part).map(({ name }) => name),
  ])
  const touched = draft.touched().filter(({ entity }) => kinds.has(entity))
  const difference = describeDifferences(touched, [draft.entries, start])
  return {
    plan: { workspace, revision, ...difference, unchanged },
    workspaceId,
    selectTags: document.selectTags,
    operations,
    touched,
    entries: draft.entries,
  }
}

const makeWorkspace = (id: string, name: string): Operation => ({
  kind: 'create',
  entity: 'workspace',
  workspace: null,
  body: { id, name },
})
