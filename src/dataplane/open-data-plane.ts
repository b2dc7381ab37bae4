import type { VerifiedSnapshot } from '../cluster/control-client.ts'
import { runSliced } from '../lib/cooperative-task.ts'
import type { Program } from '../proxy/program.ts'
import type { Heartbeat } from '../schema/node-protocol.ts'
import { applySnapshot, type ApplyContext } from './apply-snapshot.ts'
import type { ReceivedSnapshot, SnapshotCache } from './snapshot-cache.ts'

/** Applies snapshots one after the other. */
export type DataPlane = {
  /** Applies a snapshot, unless it runs already. Of several that arrive while one is applied, only the last is. */
  receive(this: void, received: ReceivedSnapshot): void
  /** Applies the snapshot that runs again, because a secret in it has changed. */
  reapply(): void
  /** The snapshot that is cached on disk, if it can be the base of differences. */
  cached(this: void): Promise<VerifiedSnapshot | undefined>
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
  let program: Program | undefined
  let pending: ReceivedSnapshot | undefined
  let reading: Promise<ReceivedSnapshot | undefined> | undefined
  let restored: ReceivedSnapshot | undefined
  let hasReceived = false
  let isStale = false
  let isApplying = false
  let rejection: { readonly refusedRevision: number; readonly refusal: string } | undefined

  const isRunning = (received: ReceivedSnapshot): boolean =>
    rejection === undefined &&
    current !== undefined &&
    signatureOf(received) === signatureOf(current)
  // Nothing is served yet that would have to wait.
  const readCache = (): Promise<ReceivedSnapshot | undefined> =>
    (reading ??= runSliced(context.cache.read(), 50, 0))
  const fallBackToCache = async (): Promise<void> => {
    if (restored !== undefined) return
    const cached = await readCache()
    const isNeeded = current === undefined && (!hasReceived || rejection !== undefined)
    if (!isNeeded || restored !== undefined) return
    restored = cached
    pending ??= cached
    void applyPending()
  }
  const apply = async (received: ReceivedSnapshot): Promise<void> => {
    const applied = await applySnapshot(received, context, program)
    if ('step' in applied) {
      const { revision, step, error } = applied
      rejection = { refusedRevision: revision, refusal: `${step}: ${String(error)}` }
      if (current === undefined) void fallBackToCache()
      return
    }
    current = received
    program = applied
    // A rejection of the control plane's snapshot is still true while the cached one runs instead.
    if (received !== restored) rejection = undefined
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
    async cached() {
      const cached = await readCache()
      return cached !== undefined && 'seal' in cached ? cached : undefined
    },
    restore() {
      if (!hasReceived) void fallBackToCache()
    },
    rejection: () => rejection,
  }
}

const signatureOf = (received: ReceivedSnapshot): string =>
  'seal' in received ? received.seal.signature : received.signature
