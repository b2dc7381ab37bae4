import type { KeyObject } from 'node:crypto'
import type { Egress } from '../lib/egress.ts'
import type { Entries, Touched } from '../entities/entry.ts'
import type { Clock } from '../lib/clock.ts'
import { runBetweenEvents, yieldToEventLoop } from '../lib/cooperative-task.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { SerialQueue } from '../lib/serial-queue.ts'
import { Problem } from '../lib/problem.ts'
import type { AuditRecord } from '../schema/audit-record.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import { sealRevision } from '../audit/chain-record.ts'
import { snapshotSteps } from '../snapshot/build-snapshot.ts'
import { sealRoot } from '../snapshot/seal-snapshot.ts'
import { rootSteps, snapshotRoot } from '../snapshot/snapshot-root.ts'
import type { Store } from '../store/store.ts'
import { applyOperations, type OnProgress } from './apply-operation.ts'
import { catchUp } from './state/catch-up.ts'
import { snapshotSource, type Proof } from './state/open-proof.ts'
import { summarizeCounts, summarizeNamed, verbOf, type Verb } from './describe-entry.ts'
import { changeIndexes } from './change-indexes.ts'
import { entityTools } from './apply/entity-tools.ts'
import { openDraft } from './draft.ts'
import { entityNamed, type Entity } from '../entities/entities.ts'
import type { AuditLog } from './audit/open-audit-log.ts'
import type { Operation, Outcome } from '../entities/operation.ts'
import type { Isolation } from './isolation/open-isolation.ts'
import { authorOf } from './isolation/change-author.ts'
import { keepSuperAdmin } from './keep-super-admin.ts'
import { mayReferOf, openReader } from './reader.ts'
import type { MayRefer } from './apply/resolve-references.ts'
import { permit, systemName, systemPrincipal, type AccessCheck, type Requester } from './permit.ts'
import { nameOf, redactEntry } from './redact.ts'
import { buildState, type State } from './state/state.ts'

export type Origin = Pick<AuditRecord, 'requestId' | 'address' | 'method' | 'path'>

/** A change. Its operations are applied all or none. */
export type ChangeRequest = {
  readonly principal: Requester
  readonly check: AccessCheck
  readonly origin: Origin
  readonly operations: readonly Operation[]
  /** Status of the answer on success, for the audit record. */
  readonly status: number
  /** The revision the change was planned on; a different current revision fails it with 409. */
  readonly ifRevision?: number
  /** Message of the revision, by its author. */
  readonly message?: string | undefined
  /** Settings of the store, written in the same transaction. */
  readonly settings?: Readonly<Record<string, string>>
  readonly onProgress?: OnProgress | undefined
  /** Why Weir itself makes the change, for the audit record. Default: the rule that allows it. */
  readonly because?: string | undefined
}

/** The result of a change. */
export type Change = {
  readonly revision: number
  readonly outcomes: readonly Outcome[]
  readonly touched: readonly Touched[]
  readonly before: Entries
  readonly after: Entries
}

/** The parts of a control plane that a change needs. `state` is replaced by one assignment. */
export type Control = {
  /** The newest revision that survives a power loss: what is read and published. Replaced by one assignment. */
  state: State
  /** The newest revision, on which the next change is built. */
  newest: State
  readonly store: Store
  readonly catalog: readonly PluginSchema[]
  readonly egress: Egress
  readonly proof: Proof
  readonly isolation: Isolation
  readonly sealKey: string
  /** `sealKey`, parsed. */
  readonly signingKey: KeyObject
  readonly auditLog: AuditLog
  readonly clock: Clock
  readonly queue: SerialQueue
  readonly publish: (state: State) => void
}

/**
 * The walk of a change: authorize · apply to the entities · build the next snapshot · check it by compiling it · commit
 * entity rows, revision and audit record in one transaction · flush · publish. Changes run one at a time up to the commit;
 * the principal was authenticated before, and authorization uses the newest revision at the start of its turn. Other control planes may write at the
 * same time: when two build the same revision, one commits it and the other starts again on top of it.
 */
export async function changeConfiguration(
  control: Control,
  request: ChangeRequest,
): Promise<Change> {
  const operations = await prepareOperations(request.operations)
  const made = await control.queue.run(async () => {
    const retryUntil = performance.now() + retryMilliseconds
    while (performance.now() < retryUntil) {
      await catchUp(control)
      const { indexes } = control.newest
      if (!indexes.isPrepared(changeIndexes)) await indexes.prepare(changeIndexes)
      const change = await attemptChange(control, { ...request, operations })
      if (change !== undefined) return change
    }
    throw new Problem(
      'control.overtaken',
      409,
      'Other control planes kept changing the configuration at the same time; retry',
    )
  })
  await publishNewest(control)
  return made
}

/** Publishes what was committed when it survives a power loss. Changes that come together are flushed together. */
async function publishNewest(control: Control): Promise<void> {
  const { newest } = control
  if (control.state === newest) return
  await control.store.flush()
  // A flush that began later can have ended before.
  if (newest.revision <= control.state.revision) return
  control.state = newest
  control.publish(newest)
}

/** Runs the slow hooks of operations, which must not block the queue. */
async function prepareOperations(operations: readonly Operation[]): Promise<readonly Operation[]> {
  return operations.some(({ entity }) => isSlowToWrite(entityNamed(entity)))
    ? Promise.all(operations.map(prepareOperation))
    : operations
}

const isSlowToWrite = (entity: Entity): boolean => entity.prepare !== undefined

async function prepareOperation(operation: Operation): Promise<Operation> {
  const { body } = operation
  const entity: Entity = entityNamed(operation.entity)
  if (body === undefined || entity.prepare === undefined) return operation
  return { ...operation, body: await entity.prepare(body, entityTools) }
}

/** Time limit for retries of a change when other control planes on the store commit first. */
const retryMilliseconds = 10_000

/** One attempt; undefined, with nothing written, when another revision was committed first. */
async function attemptChange(
  control: Control,
  request: ChangeRequest,
): Promise<Change | undefined> {
  const { newest: state } = control
  const { operations } = request
  const decision = await runBetweenEvents(permit(state, request.principal, request.check))
  if (request.ifRevision !== undefined && request.ifRevision !== state.revision) {
    throw revisionConflict(request.ifRevision, state.revision)
  }
  const now = control.clock.now()
  const { catalog, egress } = control
  const context = {
    catalog,
    egress,
    now: Math.floor(now / 1000),
    mayRefer: mayReferIn(state, request.principal),
    onProgress: request.onProgress,
  }
  const draft = openDraft(state.indexes)
  const outcomes = await applyOperations(draft, operations, context)
  const touched = await runBetweenEvents(draft.listTouched())
  keepSuperAdmin({
    before: state.indexes,
    after: draft,
    touched,
    requester: request.principal,
    now: context.now,
  })
  // Both sides hold the event loop in proportion to the largest entity.
  await yieldToEventLoop()
  const snapshot = await runBetweenEvents(
    snapshotSteps(state.snapshot, snapshotSource(draft), touched),
  )
  const acceptClaims = await control.isolation.check({
    before: state.snapshot,
    after: snapshot,
    author: authorOf(state, request.principal),
  })
  const acceptProof = await runBetweenEvents(control.proof.prove(snapshot, draft))
  const accept = (): void => {
    acceptProof()
    acceptClaims()
  }
  const isSame = touched.length === 0 && snapshotRoot(snapshot) === state.seal.root
  const revision = isSame ? state.revision : state.revision + 1
  const because = decision.because
  const audit = describeChange(state, request, { now, because, revision })
  const change = { revision, outcomes, touched, before: state.entries, after: draft.entries }
  if (isSame) {
    accept()
    if (request.principal !== systemPrincipal) await control.auditLog.write(audit)
    return change
  }
  // The digests of what changed, of which the root is computed at once.
  await runBetweenEvents(rootSteps(snapshot))
  const seal = sealRoot(snapshot, revision, control.signingKey)
  const sealed = sealRevision({
    number: revision,
    time: now,
    principal: audit.principal?.name ?? systemName,
    summary: summaryOf(touched),
    message: request.message ?? null,
  })
  const isCommitted = await control.store.commit({
    writes: touched.map(({ after: entry, ...write }) => ({ ...write, entry })),
    revision: sealed.revision,
    seal,
    audit: await control.auditLog.link({
      ...audit,
      before: redactedSide(touched, 'before'),
      after: redactedSide(touched, 'after'),
      revisionHash: sealed.revisionHash,
    }),
    endSessionsOf: touched.filter(losesSessions).map(({ id }) => id),
    settings: request.settings ?? {},
  })
  if (!isCommitted) return undefined
  accept()
  const indexes = state.indexes.next(draft.entries, touched)
  control.newest = buildState(indexes, snapshot, seal)
  return change
}

/** A reference requires read permission for its entity: the answer would disclose its existence, and the reference gives access to it. */
function mayReferIn(state: State, principal: Requester): MayRefer {
  if (principal === systemPrincipal) return () => true
  return mayReferOf(state.entries, openReader(state.indexes, state.rightsOf(principal)))
}

const conflictCode = 'control.moved'

/** Whether a change failed because the revision it was planned on is outdated. */
export const isRevisionConflict = (error: unknown): boolean =>
  error instanceof Problem && error.code === conflictCode

const revisionConflict = (planned: number, present: number): Problem =>
  new Problem(
    conflictCode,
    409,
    `The configuration is at revision ${present}, and the change was planned on revision ${planned}`,
  )

type ChangeFacts = {
  readonly now: number
  readonly because: string
  readonly revision: number
}

/** The record of a change, without the touched entities. */
function describeChange(
  state: State,
  { principal, check: { ask }, origin, status, because: reason }: ChangeRequest,
  { now, because, revision }: ChangeFacts,
): AuditRecord {
  return {
    ...origin,
    id: uuidv7(now),
    time: now,
    principal:
      principal === systemPrincipal ? null : (state.rightsOf(principal)?.principal ?? null),
    workspace: ask.workspace.name,
    workspaceId: ask.workspace.id,
    action: ask.action,
    allowed: true,
    because: reason ?? because,
    before: [],
    after: [],
    status,
    revision: revision === state.revision ? null : revision,
  }
}

/** The touched entities before or after a change. Those of a document are many, and are made one by one. */
function* redactedSide(
  touched: readonly Touched[],
  side: 'before' | 'after',
): Generator<Record<string, unknown>> {
  for (const { entity, [side]: entry } of touched)
    if (entry !== undefined) yield redactEntry(entityNamed(entity), entry)
}

const losesSessions = ({ entity, before, after }: Touched): boolean => {
  const kind: Entity = entityNamed(entity)
  return kind.endsSessions?.(before, after) === true
}

/** Stored with the revision. Readers of the API get a summary of the changes that they may read instead. */
function summaryOf(touched: readonly Touched[]): string {
  const [first, ...others] = touched
  if (first === undefined) return 'Rebuild the snapshot'
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
