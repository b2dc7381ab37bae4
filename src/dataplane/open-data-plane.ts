import type { Heartbeat } from '../schema/node-protocol.ts'
import { applySnapshot, type ApplyContext } from './apply-snapshot.ts'
import type { ReceivedSnapshot, SnapshotCache } from './snapshot-cache.ts'

/** Applies snapshots one after the other. */
export type DataPlane = {
  /** Applies a snapshot, unless it runs already. Of several that arrive while one is applied, only the last is. */
  receive(this: void, received: ReceivedSnapshot): void
  /** Applies the snapshot that runs again, because a secret in it has changed. */
  reapply(): void
  /** Applies the snapshot that is cached on disk, if any; does nothing once a snapshot was received. */
  restore(this: void): void
  /** The last rejection, in the terms of a heartbeat; undefined once a received snapshot was applied after it. */
  rejection(): Pick<Heartbeat, 'refusedRevision' | 'refusal'> | undefined
}

/** Opens a data plane that runs nothing yet. */
export function openDataPlane(
  context: Omit<ApplyContext, 'cache'> & { readonly cache: SnapshotCache },
): DataPlane {
  let current: ReceivedSnapshot | undefined
  let pending: ReceivedSnapshot | undefined
  let restored: ReceivedSnapshot | undefined
  let hasReceived = false
  let hasReadCache = false
  let isStale = false
  let isApplying = false
  let rejection: { readonly refusedRevision: number; readonly refusal: string } | undefined

  const isRunning = ({ sealed }: ReceivedSnapshot): boolean =>
    rejection === undefined && sealed.signature === current?.sealed.signature
  const fallBackToCache = (): void => {
    if (hasReadCache || pending !== undefined) return
    hasReadCache = true
    restored = context.cache.read()
    pending = restored
  }
  const apply = async (received: ReceivedSnapshot): Promise<void> => {
    const rejected = await applySnapshot(received, context)
    if (rejected === undefined) current = received
    else if (current === undefined) fallBackToCache()
    // A rejection of the control plane's snapshot is still true while the cached one runs instead.
    if (rejected === undefined && received === restored) return
    rejection = rejected && {
      refusedRevision: rejected.revision,
      refusal: `${rejected.step}: ${String(rejected.error)}`,
    }
  }
  const applyPending = async (): Promise<void> => {
    if (isApplying) return
    isApplying = true
    for (;;) {
      const next = pending ?? (isStale ? current : undefined)
      if (next === undefined) break
      const isNeeded = isStale || !isRunning(next)
      pending = undefined
      isStale = false
      if (isNeeded) await apply(next)
    }
    isApplying = false
  }
  return {
    receive(received) {
      hasReceived = true
      pending = received
      void applyPending()
    },
    reapply() {
      isStale = true
      void applyPending()
    },
    restore() {
      if (hasReceived) return
      fallBackToCache()
      void applyPending()
    },
    rejection: () => rejection,
  }
}
