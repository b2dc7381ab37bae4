import type { KeyObject } from 'node:crypto'
import type { EntityName } from '../../entities/entities.ts'
import type { Entry, Touched } from '../../entities/entry.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import type { Seal, Snapshot } from '../../schema/snapshot.ts'
import { buildSnapshot, nextSnapshot } from '../../snapshot/build-snapshot.ts'
import { sealRoot } from '../../snapshot/seal-snapshot.ts'
import { snapshotRoot } from '../../snapshot/snapshot-root.ts'
import type { RecordedChange, Store } from '../../store/store.ts'
import { openIndexes, type EntryIndexes } from '../entry-indexes.ts'
import { snapshotSource, type Proof } from './open-proof.ts'
import { buildState, type State } from './state.ts'

/** A state that follows a store which other control planes write too. */
export type Follower = {
  state: State
  newest: State
  readonly store: Store
  readonly proof: Proof
  readonly signingKey: KeyObject
  readonly publish: (state: State) => void
}

/** Beyond this many missing revisions, a full reload is quicker. */
const maxCatchUp = 200

/** Loads the revisions that other control planes have made. Runs in the queue of changes. */
export async function catchUp(follower: Follower): Promise<void> {
  const { newest: state, store } = follower
  const newest = await store.newest()
  if (newest === state.revision) return
  const missing = newest - state.revision
  const next =
    (missing > 0 && missing <= maxCatchUp ? await applyChanges(follower, newest) : undefined) ??
    (await reload(follower))
  if (next === undefined) return
  follower.newest = next
  follower.state = next
  follower.publish(next)
}

/** Undefined when a revision is missing or was pruned. */
async function applyChanges(follower: Follower, newest: number): Promise<State | undefined> {
  const { newest: state, store } = follower
  const changes = await store.readChanges({ from: state.revision + 1, to: newest })
  const seal = await store.readSeal(newest)
  if (seal === undefined || (await store.prunedThrough()) > state.revision) return undefined
  const touched = touchedBy(changes, state)
  const entries = new Map<EntityName, RadixMap<Entry>>(state.entries)
  for (const { entity, id, after } of touched) {
    const all = entries.get(entity) ?? RadixMap.empty<Entry>()
    entries.set(entity, after === undefined ? all.without(id) : all.with(id, after))
  }
  const indexes = state.indexes.next(entries, touched)
  return stateOf(follower, indexes, seal, (view) =>
    nextSnapshot(state.snapshot, snapshotSource(view), touched),
  )
}

/** The combined effect of a sequence of changes on the entries of a state. */
function touchedBy(changes: readonly RecordedChange[], { entries }: State): Touched[] {
  const last = new Map(changes.map((change) => [`${change.entity} ${change.id}`, change]))
  return [...last.values()].map(({ entity, id, after }) => ({
    entity,
    id,
    before: entries.get(entity)?.get(id),
    after,
  }))
}

async function reload(follower: Follower): Promise<State | undefined> {
  const { entries, latest } = await follower.store.load()
  if (latest === undefined) return undefined
  return stateOf(follower, openIndexes(entries), latest, () => buildSnapshot(entries))
}

/** A control plane of another version may build a different snapshot of the same entries; this one then proves and seals its own. */
async function stateOf(
  { proof, signingKey }: Follower,
  indexes: EntryIndexes,
  seal: Seal,
  build: (view: EntryIndexes) => Snapshot,
): Promise<State> {
  const snapshot = build(indexes)
  if (snapshotRoot(snapshot) === seal.root) return buildState(indexes, snapshot, seal)
  const accept = await runBetweenEvents(proof.prove(snapshot, indexes))
  const own = sealRoot(snapshot, seal.revision, signingKey)
  accept()
  return buildState(indexes, snapshot, own)
}
