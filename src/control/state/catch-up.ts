import type { EntityName } from '../../entities/entities.ts'
import type { Entries, Entry } from '../../entities/entry.ts'
import { buildSnapshot } from '../../snapshot/build-snapshot.ts'
import type { Store } from '../../store/store.ts'
import type { Touched } from '../draft.ts'
import { openIndexes, type EntryIndexes } from '../entry-indexes.ts'
import { buildState, type State } from './state.ts'

/** A state that follows a store which other control planes write too. */
export type Follower = {
  state: State
  readonly store: Store
  readonly publish: (state: State) => void
}

/** Beyond this many missing revisions, a full reload is quicker. */
const maxCatchUp = 200

/** Loads the revisions that other control planes have made. Runs in the queue of changes. */
export async function catchUp(follower: Follower): Promise<void> {
  const { state, store } = follower
  const newest = await store.newest()
  if (newest === state.revision) return
  const missing = newest - state.revision
  const next =
    missing > 0 && missing <= maxCatchUp
      ? await applyChanges(follower, newest)
      : await reload(follower)
  follower.state = next
  follower.publish(next)
}

async function applyChanges({ state, store }: Follower, newest: number): Promise<State> {
  const changes = await store.readChanges({ from: state.revision + 1, to: newest })
  const sealed = await store.readSealed(newest)
  const entries = new Map<EntityName, ReadonlyMap<string, Entry>>(state.entries)
  const touched: Touched[] = []
  for (const [entity, some] of Map.groupBy(changes, (change) => change.entity)) {
    const all = new Map(state.entries.get(entity))
    for (const { id, after } of some) {
      if (after === undefined) all.delete(id)
      else all.set(id, after)
    }
    entries.set(entity, all)
    for (const id of new Set(some.map((change) => change.id))) {
      const before = state.entries.get(entity)?.get(id)
      touched.push({ entity, id, before, after: all.get(id) })
    }
  }
  if (sealed === undefined) return state
  return stateOf(entries, state.indexes.next(entries, touched), sealed)
}

async function reload({ state, store }: Follower): Promise<State> {
  const { entries, latest } = await store.load()
  return latest === undefined ? state : stateOf(entries, openIndexes(entries), latest)
}

const stateOf = (entries: Entries, indexes: EntryIndexes, sealed: State['sealed']): State =>
  buildState(entries, indexes, buildSnapshot(entries), sealed)
