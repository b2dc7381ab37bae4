import type { Clock } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { SerialQueue } from '../lib/serial-queue.ts'
import { Problem } from '../lib/problem.ts'
import type { AuditRecord } from '../schema/audit-record.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { buildSnapshot } from '../snapshot/build-snapshot.ts'
import { checkSnapshot } from '../snapshot/check-snapshot.ts'
import { sealSnapshot } from '../snapshot/seal-snapshot.ts'
import { snapshotText } from '../snapshot/snapshot-text.ts'
import type { Store } from '../store/store.ts'
import { applyOperations, type OnProgress } from './apply-operation.ts'
import { catchUp } from './state/catch-up.ts'
import { summarizeCounts, summarizeNamed, verbOf, type Verb } from './describe-entry.ts'
import { entityTools } from './apply/entity-tools.ts'
import { openDraft, type Touched } from './draft.ts'
import { entityNamed, type Entity } from '../entities/entities.ts'
import type { Ledger } from './open-ledger.ts'
import type { Operation, Outcome } from '../entities/operation.ts'
import { permit, type Asker, type AccessCheck } from './permit.ts'
import { nameOf, redactEntry } from './redact.ts'
import { buildState, type State } from './state/state.ts'

/** From where a change comes. */
export type Origin = Pick<AuditRecord, 'requestId' | 'address' | 'method' | 'path'>

/** What somebody wants to be different. All operations are done, or none. */
export type ChangeRequest = {
  readonly asker: Asker
  readonly check: AccessCheck
  readonly origin: Origin
  readonly operations: readonly Operation[]
  /** The answer's status when all goes well, for the audit record. */
  readonly status: number
  /** The revision that this was planned on; another one meanwhile refuses the change. */
  readonly ifRevision?: number
  /** What its maker says about it. */
  readonly message?: string | undefined
  /** Settings that become true with it. */
  readonly settings?: Readonly<Record<string, string>>
  readonly onProgress?: OnProgress | undefined
}

/** What came of a change. */
export type Change = { readonly revision: number; readonly outcomes: readonly Outcome[] }

/** What a change is made with. `state` is replaced by one assignment. */
export type Control = {
  state: State
  readonly store: Store
  readonly catalog: readonly PluginSchema[]
  readonly compile: (snapshot: Snapshot) => void
  readonly sealKey: string
  readonly ledger: Ledger
  readonly clock: Clock
  readonly queue: SerialQueue
  readonly publish: (state: State) => void
}

/**
 * The walk of a change: may they · apply to the entities · build the next snapshot · check it by compiling it · commit
 * entity rows, revision and audit record in one transaction · publish. One change walks at a time; whoever asked was
 * identified before, and rights are those of the moment in which it is their turn. Other control planes may walk at the
 * same time: of two that make the same revision one keeps it, and the other begins anew on top of it.
 */
export async function changeConfiguration(
  control: Control,
  request: ChangeRequest,
): Promise<Change> {
  const operations = await Promise.all(request.operations.map(prepared))
  return control.queue.run(async () => {
    const givesUpAt = performance.now() + patience
    while (performance.now() < givesUpAt) {
      await catchUp(control)
      const change = await tryToChange(control, { ...request, operations })
      if (change !== undefined) return change
    }
    throw new Problem(
      'control.overtaken',
      409,
      'Other control planes made changes at the same moments, again and again; try once more',
    )
  })
}

/** An operation after the slow work on its body, which must not hold up the queue. */
async function prepared(operation: Operation): Promise<Operation> {
  const { body } = operation
  const entity: Entity = entityNamed(operation.entity)
  if (body === undefined || entity.prepare === undefined) return operation
  return { ...operation, body: await entity.prepare(body, entityTools) }
}

/** For so many milliseconds a change begins anew whenever another control plane on the same store was quicker. */
const patience = 10_000

/** Walks once; nothing has happened when another revision was made meanwhile. */
async function tryToChange(control: Control, request: ChangeRequest): Promise<Change | undefined> {
  const { state } = control
  const { operations } = request
  const decision = permit(state, request.asker, request.check)
  if (request.ifRevision !== undefined && request.ifRevision !== state.revision) {
    throw movedOn(request.ifRevision, state.revision)
  }
  const now = control.clock.now()
  const { catalog } = control
  const context = { catalog, now: Math.floor(now / 1000), onProgress: request.onProgress }
  const draft = openDraft(state.entries)
  const outcomes = await applyOperations(draft, operations, context)
  const touched = draft.touched()
  const snapshot = buildSnapshot(draft.entries)
  checkSnapshot(snapshot)
  control.compile(snapshot)
  const isSame = touched.length === 0 && snapshotText(snapshot) === state.sealed.body
  const revision = isSame ? state.revision : state.revision + 1
  const audit = describeChange(state, request, {
    now,
    touched,
    because: decision.because,
    revision,
  })
  if (isSame) {
    if (request.asker !== 'weir') await control.ledger.keep(audit)
    return { revision, outcomes }
  }
  const sealed = sealSnapshot(snapshot, revision, control.sealKey)
  const isKept = await control.store.commit({
    writes: touched.map(({ after: entry, ...write }) => ({ ...write, entry })),
    revision: {
      number: revision,
      time: now,
      principal: audit.principal?.name ?? 'weir',
      summary: summaryOf(touched),
      message: request.message ?? null,
    },
    sealed,
    audit: control.ledger.link(audit),
    endSessionsOf: touched.filter(losesSessions).map(({ id }) => id),
    settings: request.settings ?? {},
  })
  if (!isKept) return undefined
  const indexes = state.indexes.next(draft.entries, touched)
  control.state = buildState(draft.entries, indexes, snapshot, sealed)
  control.publish(control.state)
  return { revision, outcomes }
}

const movedCode = 'control.moved'

/** Whether a change was refused only because another one came first. */
export const isMovedOn = (error: unknown): boolean =>
  error instanceof Problem && error.code === movedCode

const movedOn = (planned: number, present: number): Problem =>
  new Problem(
    movedCode,
    409,
    `The configuration is at revision ${present}, and the change was planned on revision ${planned}`,
  )

type Facts = {
  readonly now: number
  readonly touched: readonly Touched[]
  readonly because: string
  readonly revision: number
}

function describeChange(
  state: State,
  { asker, check: { ask }, origin, status }: ChangeRequest,
  { now, touched, because, revision }: Facts,
): AuditRecord {
  const show = (side: 'before' | 'after'): unknown[] =>
    touched.flatMap((one) => {
      const entry = one[side]
      return entry === undefined ? [] : [redactEntry(entityNamed(one.entity), entry)]
    })
  return {
    ...origin,
    id: uuidv7(now),
    time: now,
    principal: asker === 'weir' ? null : (state.rightsOf(asker.principal)?.principal ?? null),
    workspace: ask.workspace.name,
    workspaceId: ask.workspace.id,
    action: ask.action,
    allowed: true,
    because,
    before: show('before'),
    after: show('after'),
    status,
    revision: revision === state.revision ? null : revision,
  }
}

const losesSessions = ({ entity, before, after }: Touched): boolean => {
  const kind: Entity = entityNamed(entity)
  return kind.endsSessions?.(before, after) === true
}

/** What the store keeps for whoever reads it without the changes; readers of the API get a summary of what they may read. */
function summaryOf(touched: readonly Touched[]): string {
  const [first, ...others] = touched
  if (first === undefined) return 'Build the snapshot anew'
  if (others.length === 0) {
    const { entity, id, before, after } = first
    const entry = after ?? before
    const words = entry === undefined ? id : nameOf(entityNamed(entity), entry)
    return summarizeNamed([{ verb: verbOf(before, after), entity, words }])
  }
  const kinds = [...Map.groupBy(touched, ({ entity }) => entity)].map(([entity, list]) => {
    const count = (verb: Verb): number =>
      list.filter(({ before, after }) => verbOf(before, after) === verb).length
    return {
      entity,
      created: count('created'),
      updated: count('updated'),
      deleted: count('deleted'),
    }
  })
  return summarizeCounts(kinds)
}
