import { setTimeout as sleep } from 'node:timers/promises'
import { makeAuditKey, type AuditKey } from '../audit/audit-key.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import type { EntityName } from '../entities/entities.ts'
import type { Entries, Entry } from '../entities/entry.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { buildSnapshot } from '../snapshot/build-snapshot.ts'
import { makeSealKey, publicKeyOf, sealSnapshot } from '../snapshot/seal-snapshot.ts'
import type { LeaseRows } from '../store/lease-rows.ts'
import type { Store } from '../store/store.ts'
import { catchUp } from './state/catch-up.ts'
import { changeConfiguration, type Control } from './change-configuration.ts'
import type { Configuration, Current } from './configuration.ts'
import { findEntry, lookupIn, type Address } from './find-entry.ts'
import { openIndexes, type WantedIndex } from './entry-indexes.ts'
import { makeFirstEntities, type Bootstrap } from './first-start.ts'
import { openIdentify } from './sign-in/open-identify.ts'
import {
  indexesFor,
  lookupIndexes,
  findByKey,
  listEntries,
  type ListRequest,
} from './list-entries.ts'
import { openLedger } from './open-ledger.ts'
import { openTokenNotes } from './sign-in/open-token-uses.ts'
import { judge, refusalOf } from './permit.ts'
import { openSignIn } from './sign-in/sign-in.ts'
import { buildState, heldRoles, type State } from './state/state.ts'

/** What a configuration is opened with. */
export type ConfigurationOptions = Bootstrap & {
  readonly store: Store
  /** Policies that plugins may name. */
  readonly catalog: readonly PluginSchema[]
  /** Throws a Problem when the snapshot could not run. */
  readonly compile: (snapshot: Snapshot) => void
  readonly clock?: Clock
  /** Told why the changes of other control planes could not be taken over, this time. */
  readonly report?: (error: unknown) => void
  /** Signs the audit log; one that this process alone knows when absent. */
  readonly auditKey?: AuditKey
}

/** Opens the configuration that a store holds, and makes its first entities when it holds none. */
export async function openConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const listeners = new Set<(current: Current) => void>()
  const control = await openControl(options, (state) => {
    for (const listener of listeners) listener(state)
    lookups.wake()
  })
  const lookups = followLookups(control)
  lookups.wake()
  await runAlone(control.store.leases, 'first-start', async () => {
    await catchUp(control)
    await makeFirstEntities(control, options)
  })
  const stopFollowing = follow(control, options.report)
  const { sessions, ...signIn } = await openSignIn(control)
  const notes = openTokenNotes(control.store.tokenUses, control.clock)
  const joinSecret = await keptSetting(control.store, 'join_secret', randomSecret)
  const find = <K extends EntityName>(address: Address<K>): Entry<K> | undefined =>
    findByKey(control.state.indexes, address) ?? findEntry(control.state.entries, address)
  const list = <K extends EntityName>(request: ListRequest<K>): Entry<K>[] => [
    ...listEntries(control.state.indexes, request),
  ]
  return {
    ...signIn,
    clock: control.clock,
    database: control.store.engine,
    ping: async () => void (await control.store.newest()),
    catalog: control.catalog,
    publicKeyPem: publicKeyOf(control.sealKey),
    joinSecret,
    current: () => control.state,
    onPublish(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tokenUses: notes,
    identify: openIdentify(control, sessions, notes),
    rightsOf: (principal) => control.state.rightsOf(principal),
    rolesOf: (principal) => heldRoles(control.state.entries, principal),
    refusal: (principal, check) => refusalOf(control.state.rightsOf(principal), check),
    judge(principal, check) {
      const rights = control.state.rightsOf(principal)
      return rights === undefined ? nobody : judge(rights, check)
    },
    find,
    scan: (request) => listEntries(control.state.indexes, request),
    prepareList: (request) => prepareIndexes(control, indexesFor(request)),
    list,
    lookup: {
      find: ({ name }, address) => find({ entity: name as EntityName, ...address }) as never,
      list: ({ name }, place) => list({ entity: name as EntityName, ...place }) as never,
      withId: (id) => lookupIn(control.state.entries).withId(id),
      workspaces: () => lookupIn(control.state.entries).workspaces(),
    },
    count: (entity) => count(control.state.entries, entity),
    change: (request) => changeConfiguration(control, request),
    audit: control.ledger,
    readRevisions: (limit) => control.store.readRevisions(limit),
    readRevisionSpan: (span) => control.store.readRevisionSpan(span),
    readChanges: (span) => control.store.readChanges(span),
    countChanges: (span) => control.store.countChanges(span),
    readSetting: (name) => control.store.readSetting(name),
    writeSetting: (name, value) => control.store.writeSetting(name, value),
    close() {
      stopFollowing()
      lookups.stop()
      return control.queue.run(async () => {
        await control.ledger.settle()
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

/** Keeps the indexes for lookups built. */
function followLookups(control: Control): { wake(): void; stop(): void } {
  let isRunning = false
  let isStopped = false
  const run = async (): Promise<void> => {
    isRunning = true
    let prepared: State | undefined
    while (prepared !== control.state && !isStopped) {
      prepared = control.state
      for (const wanted of lookupIndexes) {
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

/** Takes over what other control planes do as soon as it is announced; a request to do so that fails is followed by others. */
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

const nobody = { allowed: false, because: 'Nobody could be identified.' }

async function openControl(
  { store, catalog, compile, clock = systemClock, auditKey = makeAuditKey() }: ConfigurationOptions,
  publish: (state: State) => void,
): Promise<Control> {
  const { entries, latest } = await store.load()
  const sealKey = await keptSetting(store, 'seal_key', makeSealKey)
  const state = stateFrom(entries, latest, sealKey)
  const ledger = openLedger(store.audit, auditKey, clock)
  return {
    state,
    store,
    catalog,
    compile,
    sealKey,
    ledger,
    clock,
    queue: openSerialQueue(),
    publish,
  }
}

function stateFrom(entries: Entries, latest: SealedSnapshot | undefined, sealKey: string): State {
  const snapshot = buildSnapshot(entries)
  const sealed = latest ?? sealSnapshot(snapshot, 0, sealKey)
  return buildState(entries, openIndexes(entries), snapshot, sealed)
}

async function keptSetting(store: Store, name: string, make: () => string): Promise<string> {
  return (await store.readSetting(name)) ?? store.getOrInsertSetting(name, make())
}

function count(entries: Entries, entity: EntityName): ReadonlyMap<string | null, number> {
  const found = new Map<string | null, number>()
  for (const { workspace } of entries.get(entity)?.values() ?? []) {
    found.set(workspace, (found.get(workspace) ?? 0) + 1)
  }
  return found
}

/** Milliseconds for which a process that died blocks the others. */
const leaseLength = 20_000

/** Runs work while no other process on the same store runs work of that name. */
async function runAlone<Result>(
  leases: LeaseRows,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = randomSecret(12)
  while (!(await leases.acquire(name, holder, leaseLength))) await sleep(50)
  try {
    return await work()
  } finally {
    await leases.release(name, holder)
  }
}
