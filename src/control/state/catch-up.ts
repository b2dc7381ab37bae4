import type { EntityName } from '../../entities/entities.ts'
import type { Entries, Entry } from '../../entities/entry.ts'
import { buildSnapshot } from '../../snapshot/build-snapshot.ts'
import type { Store } from '../../store/store.ts'
import type { Touched } from '../draft.ts'
import { openIndexes, type EntryIndexes } from '../entry-indexes.ts'
import { buildState, type State } from './state.ts'

/** A state that follows a store into which others write too. */
export type Following = {
  state: State
  readonly store: Store
  readonly publish: (state: State) => void
}

/** With more revisions to take over than this, reading everything is quicker. */
const maxCatchUp = 200

/** Takes over the revisions that others have made since; whoever calls has their turn. */
export async function catchUp(following: Following): Promise<void> {
  const { state, store } = following
  const newest = await store.newest()
  if (newest === state.revision) return
  const missing = newest - state.revision
  const next =
    missing > 0 && missing <= maxCatchUp
      ? await takeOver(following, newest)
      : await readAnew(following)
  following.state = next
  following.publish(next)
}

async function takeOver({ state, store }: Following, newest: number): Promise<State> {
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

async function readAnew({ state, store }: Following): Promise<State> {
  const { entries, latest } = await store.load()
  return latest === undefined ? state : stateOf(entries, openIndexes(entries), latest)
}

const stateOf = (entries: Entries, indexes: EntryIndexes, sealed: State['sealed']): State =>
  buildState(entries, indexes, buildSnapshot(entries), sealed)
