import { createPrivateKey } from 'node:crypto'
import { openEgress, type Egress } from '../lib/egress.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateAuditKey, type AuditKey } from '../audit/audit-key.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import type { SignInProvider } from '../identity/open-provider.ts'
import { silentLog, type Log } from '../lib/log.ts'
import { runBetweenEvents } from '../lib/cooperative-task.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { Seal } from '../schema/snapshot.ts'
import { buildSnapshot, snapshotSteps } from '../snapshot/build-snapshot.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../snapshot/seal-snapshot.ts'
import type { LeaseRows } from '../store/lease-rows.ts'
import type { Store } from '../store/store.ts'
import { catchUp } from './state/catch-up.ts'
import { openProof, snapshotSource, type Compile } from './state/open-proof.ts'
import { changeConfiguration, type Control } from './change-configuration.ts'
import type { Configuration, Current } from './configuration.ts'
import type { Decision } from '../access/rights.ts'
import { changeIndexes, lookupIndexes } from './change-indexes.ts'
import { findEntry, lookupIn, type Address } from './find-entry.ts'
import { openIndexes, type WantedIndex } from './entry-indexes.ts'
import { createInitialEntities, type Bootstrap } from './bootstrap.ts'
import { openIsolation } from './isolation/open-isolation.ts'
import { authorOf } from './isolation/change-author.ts'
import type { RouteValidation } from './route-validation.ts'
import { openIdentify } from './sign-in/open-identify.ts'
import { openAccount } from './sign-in/open-account.ts'
import { openProviderSignIn } from './sign-in/open-provider-sign-in.ts'
import { indexesFor, listEntries, type ListRequest } from './list-entries.ts'
import { openAuditLog } from './audit/open-audit-log.ts'
import { openTokenUseTracker } from './sign-in/open-token-uses.ts'
import { decideAccess, permit, refusalOf } from './permit.ts'
import { openReader } from './reader.ts'
import { pruneRevisions } from './prune-revisions.ts'
import { openSignIn } from './sign-in/sign-in.ts'
import { buildState, heldRoles, type State } from './state/state.ts'

export type ConfigurationOptions = Bootstrap & {
  readonly store: Store
  /** The available plugins. */
  readonly catalog: readonly PluginSchema[]
  readonly compile: Compile
  /** Addresses that gateways may connect to. Default: the rules without operator settings. */
  readonly egress?: Egress
  /** Default: `smart`. */
  readonly routeValidation?: RouteValidation | undefined
  /** The provider by which people sign in, beside passwords. */
  readonly provider?: SignInProvider | undefined
  readonly clock?: Clock
  /** Called when the changes of other control planes could not be loaded. They are retried at the next notification. */
  readonly report?: (error: unknown) => void
  readonly log?: Pick<Log, 'warn'> | undefined
  /** Signs the audit log. Default: a key that lives as long as this process. */
  readonly auditKey?: AuditKey
}

/** Opens the configuration of a store and creates the initial entities in an empty one. */
export async function openConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const listeners = new Set<(current: Current) => void>()
  const control = await openControl(options, (state) => {
    for (const listener of listeners) listener(state)
    lookups.wake()
  })
  const lookups = followLookups(control)
  lookups.wake()
  const closing = new AbortController()
  let pruning = Promise.resolve()
  await runExclusively(control.store.leases, 'first-start', async () => {
    await catchUp(control)
    await createInitialEntities(control, options, options.log ?? silentLog)
  })
  const stopFollowing = follow(control, options.report)
  const { sessions, ...signIn } = await openSignIn(control)
  const provider = options.provider && openProviderSignIn(control, sessions, options.provider)
  const tokenUses = openTokenUseTracker(control.store.tokenUses, control.clock)
  const joinSecret = await getOrCreateSetting(control.store, 'join_secret', randomSecret)
  const find = <K extends EntityName>(address: Address<K>): Entry<K> | undefined =>
    findEntry(control.state.indexes, address)
  const list = <K extends EntityName>(request: ListRequest<K>): Entry<K>[] => [
    ...listEntries(control.state.indexes, request),
  ]
  return {
    ...signIn,
    clock: control.clock,
    database: control.store.engine,
    ping: async () => void (await control.store.newest()),
    catalog: control.catalog,
    routeValidation: control.isolation.validation,
    publicKeyPem: publicKeyOf(control.sealKey),
    joinSecret,
    current: () => control.state,
    onPublish(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tokenUses,
    provider,
    account: openAccount(control, sessions),
    identityUses: control.store.identityUses,
    identify: openIdentify(control, sessions, tokenUses, provider),
    rightsOf: (principal) => control.state.rightsOf(principal),
    rolesOf: (principal) => heldRoles(control.state.indexes, principal),
    readerFor: (principal) => openReader(control.state.indexes, control.state.rightsOf(principal)),
    refusal: (principal, check) => refusalOf(control.state.rightsOf(principal), check),
    async permit(principal, check) {
      await runBetweenEvents(permit(control.state, principal, check))
    },
    decide(principal, check) {
      const rights = control.state.rightsOf(principal)
      return rights === undefined ? unidentifiedDecision : decideAccess(rights, check)
    },
    find,
    scan: (request) => listEntries(control.state.indexes, request),
    prepareList: (request) => prepareIndexes(control, indexesFor(request)),
    list,
    lookup: {
      find: ({ name }, address) => find({ entity: name as EntityName, ...address }) as never,
      list: ({ name }, place) => list({ entity: name as EntityName, ...place }) as never,
      withId: (id) => lookupIn(control.state.indexes).withId(id),
      workspaces: () => lookupIn(control.state.indexes).workspaces(),
    },
    count: (entity) => count(control.state.entries, entity),
    async change(request) {
      await control.isolation.prepare(control.newest.snapshot)
      return changeConfiguration(control, request)
    },
    async checkDraft(principal, draft, touched) {
      const { state } = control
      const before = state.snapshot
      const after = await runBetweenEvents(snapshotSteps(before, snapshotSource(draft), touched))
      await control.isolation.check({ before, after, author: authorOf(state, principal) })
    },
    audit: control.auditLog,
    readRevisions: (limit) => control.store.readRevisions(limit),
    readRevisionSpan: (span) => control.store.readRevisionSpan(span),
    readChanges: (span) => control.store.readChanges(span),
    prunedThrough: () => control.store.prunedThrough(),
    pruneRevisions: (retention, firstNeeded) =>
      (pruning = pruneRevisions(control, retention, firstNeeded, closing.signal)),
    countChanges: (span) => control.store.countChanges(span),
    readSetting: (name) => control.store.readSetting(name),
    writeSetting: (name, value) => control.store.writeSetting(name, value),
    close() {
      closing.abort()
      stopFollowing()
      lookups.stop()
      return control.queue.run(async () => {
        // Its caller handles a failure.
        await pruning.catch(() => undefined)
        await control.auditLog.flush()
        await control.store.close()
      })
    },
  }
}

/** Other changes can be published while indexes are built, and later states then lack them. */
const maxAttempts = 3

async function prepareIndexes(control: Control, wanted: readonly WantedIndex[]): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { indexes } = control.state
    await indexes.prepare(wanted)
    if (control.state.indexes === indexes) return
  }
}

const keptIndexes = [...lookupIndexes, ...changeIndexes]

/** Keeps the indexes for lookups and changes built. */
function followLookups(control: Control): { wake(): void; stop(): void } {
  let isRunning = false
  let isStopped = false
  const run = async (): Promise<void> => {
    isRunning = true
    let prepared: State | undefined
    while (prepared !== control.state && !isStopped) {
      prepared = control.state
      if (prepared.indexes.isPrepared(keptIndexes)) break
      for (const wanted of keptIndexes) {
        if (!isStopped) await prepareIndexes(control, [wanted])
      }
    }
    isRunning = false
  }
  return {
    wake() {
      if (!isRunning && !isStopped) void run()
    },
    stop() {
      isStopped = true
    },
  }
}

/** Loads the changes of other control planes when the store announces them. Announcements that arrive before the queue gets to one are merged into it. */
function follow(control: Control, report: (error: unknown) => void = () => undefined): () => void {
  let isWaiting = false
  return control.store.watch(() => {
    if (isWaiting) return
    isWaiting = true
    const turn = control.queue.run(() => {
      isWaiting = false
      return catchUp(control)
    })
    turn.catch(report)
  })
}

const unidentifiedDecision: Decision = {
  allowed: false,
  because: 'The request has no valid credentials.',
}

async function openControl(
  {
    store,
    catalog,
    compile,
    egress = openEgress(),
    routeValidation = { strategy: 'smart' },
    clock = systemClock,
    auditKey = generateAuditKey(),
  }: ConfigurationOptions,
  publish: (state: State) => void,
): Promise<Control> {
  const { entries, latest } = await store.load()
  const sealKey = await getOrCreateSetting(store, 'seal_key', generateSealKey)
  const state = stateFrom(entries, latest, sealKey)
  const auditLog = openAuditLog(store.audit, auditKey, clock)
  return {
    state,
    newest: state,
    store,
    catalog,
    egress,
    proof: openProof(compile),
    isolation: openIsolation(routeValidation),
    sealKey,
    signingKey: createPrivateKey(sealKey),
    auditLog,
    clock,
    queue: openSerialQueue(),
    publish,
  }
}

function stateFrom(entries: Entries, latest: Seal | undefined, sealKey: string): State {
  const snapshot = buildSnapshot(entries)
  const seal = latest ?? sealRoot(snapshot, 0, sealKey)
  return buildState(openIndexes(entries), snapshot, seal)
}

async function getOrCreateSetting(store: Store, name: string, make: () => string): Promise<string> {
  return (await store.readSetting(name)) ?? store.getOrInsertSetting(name, make())
}

const count = (entries: Entries, entity: EntityName): ReadonlyMap<string | null, number> => {
  const all = entries.get(entity)
  return all === undefined ? new Map() : all.fold(counts, { leaf: countEntries, branch: addCounts })
}

/** Counts by workspace of the nodes of lists of entries: a list that changed is counted where it did. */
const counts = new WeakMap<object, ReadonlyMap<string | null, number>>()

const countEntries = (entries: readonly Entry[]): ReadonlyMap<string | null, number> =>
  addCounts(
    [],
    entries.map(({ workspace }) => new Map([[workspace, 1]])),
  )

function addCounts(
  _codes: readonly number[],
  parts: readonly ReadonlyMap<string | null, number>[],
): ReadonlyMap<string | null, number> {
  const total = new Map<string | null, number>()
  for (const part of parts) {
    for (const [workspace, number] of part)
      total.set(workspace, (total.get(workspace) ?? 0) + number)
  }
  return total
}

/** Milliseconds after which the lease of a dead process expires. */
const leaseMilliseconds = 20_000

/** Runs `work` under a lease of the store, which one process holds at a time. */
async function runExclusively<Result>(
  leases: LeaseRows,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = randomSecret(12)
  while (!(await leases.acquire(name, holder, leaseMilliseconds))) await sleep(50)
  try {
    return await work()
  } finally {
    await leases.release(name, holder)
  }
}
