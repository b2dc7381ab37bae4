import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import { randomSecret } from '../lib/ids.ts'
import type { Store } from '../store/store.ts'

/** Keeps at most the `count` newest revisions, and none older than `days`. */
export type RevisionRetention = { readonly days: number; readonly count: number }

const day = 24 * 60 * 60_000
const leaseName = 'prune-revisions'
const leaseMilliseconds = 20_000

/** Milliseconds between two steps, in which changes and reads can use the store. */
const pause = 20

/** Prunes revisions in steps until none is left to prune, the signal aborts, or another process has the lease. */
export async function pruneRevisions(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { days, count }: RevisionRetention,
  firstNeeded: number,
  stopping: AbortSignal,
): Promise<void> {
  const newest = await store.newest()
  const young = (await store.oldestSince(clock.now() - days * day)) ?? newest
  const through = Math.min(Math.max(young - 1, newest - count), firstNeeded - 1, newest - 1)
  if (through < 1) return
  const holder = randomSecret(12)
  const isOurs = (): Promise<boolean> => store.leases.acquire(leaseName, holder, leaseMilliseconds)
  while (!stopping.aborted && (await isOurs())) {
    if (!(await store.pruneRevisions(through))) break
    await sleep(pause)
  }
  await store.leases.release(leaseName, holder)
}
