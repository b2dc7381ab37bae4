import { listNames } from '../schema/snapshot.ts'
import type { KnownState, SealedState } from '../snapshot/render-delta.ts'

/** Recently published snapshots, which can be the base of deltas. */
export type Publications = {
  /** Adds the current snapshot. */
  add(published: SealedState): void
  /** Finds a snapshot by its root. */
  find(root: string): KnownState | undefined
}

/** Limits of the snapshots that are kept in addition to the current one. */
export type PublicationLimits = {
  readonly publications: number
  /** Items in which the snapshots differ: only these take memory. */
  readonly items: number
}

const defaultLimits: PublicationLimits = { publications: 1_000, items: 20_000 }

/** Opens an empty list of publications. */
export function openPublications(limits: PublicationLimits = defaultLimits): Publications {
  const kept = new Map<string, KnownState & { readonly items: number }>()
  let newest: KnownState | undefined
  let total = 0
  return {
    add({ snapshot, seal: { revision, root } }) {
      const items = newest === undefined ? 0 : countDifferences(newest, snapshot, limits.items)
      total += items - (kept.get(root)?.items ?? 0)
      kept.delete(root)
      newest = { revision, root, snapshot }
      kept.set(root, { ...newest, items })
      for (const [oldest, { items: released }] of kept) {
        if (oldest === root) break
        if (kept.size <= limits.publications && total <= limits.items) break
        kept.delete(oldest)
        total -= released
      }
    },
    find: (root) => kept.get(root),
  }
}

function countDifferences(
  { snapshot: before }: KnownState,
  after: SealedState['snapshot'],
  max: number,
): number {
  let count = 0
  for (const list of listNames) {
    for (const _ of before[list].differencesTo(after[list] as never)) {
      count += 1
      if (count > max) return count
    }
  }
  return count
}
