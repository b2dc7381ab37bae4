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
  /** Applies the snapshot that is cached on disk, if any; resolves to it before it runs. */
  restore(): Promise<VerifiedSnapshot | undefined>
  /** The last rejection, in the terms of a heartbeat; undefined once a snapshot was applied after it. */
  rejection(): Pick<Heartbeat, 'refusedRevision' | 'refusal'> | undefined
}

/** Opens a data plane that runs nothing yet. */
export function openDataPlane(
  context: Omit<ApplyContext, 'cache'> & { readonly cache: SnapshotCache },
): DataPlane {
  let current: ReceivedSnapshot | undefined
  let program: Program | undefined
  let pending: ReceivedSnapshot | undefined
  let isStale = false
  let isApplying = false
  let rejection: { readonly refusedRevision: number; readonly refusal: string } | undefined

  const isRunning = (received: ReceivedSnapshot): boolean =>
    rejection === undefined &&
    current !== undefined &&
    signatureOf(received) === signatureOf(current)
  const apply = async (received: ReceivedSnapshot): Promise<void> => {
    const applied = await applySnapshot(received, context, program)
    if ('step' in applied) {
      const { revision, step, error } = applied
      rejection = { refusedRevision: revision, refusal: `${step}: ${String(error)}` }
    } else {
      rejection = undefined
      current = received
      program = applied
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
      pending = received
      void applyPending()
    },
    reapply() {
      isStale = true
      void applyPending()
    },
    async restore() {
      // Nothing is served yet that would have to wait.
      const cached = await runSliced(context.cache.read(), 50, 0)
      if (current === undefined) pending ??= cached
      void applyPending()
      return cached !== undefined && 'seal' in cached ? cached : undefined
    },
    rejection: () => rejection,
  }
}

const signatureOf = (received: ReceivedSnapshot): string =>
  'seal' in received ? received.seal.signature : received.signature
