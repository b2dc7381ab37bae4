import { runSliced, yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { compileSteps, type Program, type ProgramTools } from '../proxy/program.ts'
import type { Secrets } from '../secrets/open-secrets.ts'
import { verifyRootSteps } from '../snapshot/seal-snapshot.ts'
import { verifyLegacySteps } from './legacy-snapshot.ts'
import type { ReceivedSnapshot, SnapshotCache } from './snapshot-cache.ts'

export type ApplyContext = {
  readonly secrets: Pick<Secrets, 'fill'>
  readonly tools: Omit<ProgramTools, 'withheld'>
  readonly cache: Pick<SnapshotCache, 'write'>
  /** Makes new exchanges run by this program. */
  readonly swap: (program: Program) => void
  readonly log: Log
}

/** Why a snapshot was not applied: the step that failed, and its error. */
export type Rejection = {
  readonly revision: number
  readonly step: 'verify' | 'resolve' | 'compile' | 'swap'
  readonly error: unknown
}

/** Milliseconds that a slow disk may delay a change. */
const maxCacheDelay = 1_000

/**
 * The worker's half of a change. Long steps run in slices, so that requests need not wait for a large snapshot. Until
 * the swap nothing has changed for requests: if any step fails, the previous program stays active, and the rejection is
 * logged and returned. `running` is the previous program.
 */
export async function applySnapshot(
  received: ReceivedSnapshot,
  { secrets, tools, cache, swap, log }: ApplyContext,
  running?: Program,
): Promise<Program | Rejection> {
  const revision = revisionOf(received)
  let step: Rejection['step'] = 'verify'
  let program: Program | undefined
  try {
    const verified = await runSliced(verifySteps(received))

    step = 'resolve'
    const { snapshot, withheld } = await secrets.fill(verified)
    const known = running?.tables.plugins.withheld ?? RadixMap.empty<string>()
    for (const { key: plugin, after: reason } of known.differencesTo(withheld))
      if (reason !== undefined)
        log.warn('dataplane: plugin rejects all requests until its secret is available', {
          plugin,
          reason,
        })

    step = 'compile'
    const compiling = compileSteps(snapshot, revision, { ...tools, withheld }, running)
    // Without a program there are no requests that wait for this.
    program = await (running === undefined ? runSliced(compiling, 50, 0) : runSliced(compiling))
    await yieldToEventLoop()

    // A full or slow disk must not delay the change in this worker; only its next start without a control plane uses an older snapshot.
    if ('seal' in received) {
      const written = cache.write(received).catch((error: unknown) => {
        log.error('dataplane: snapshot not cached on disk', { revision, error })
      })
      await waitAtMost(written, maxCacheDelay)
    }

    step = 'swap'
    swap(program)
    log.info('dataplane: snapshot applied', { revision })
    return program
  } catch (error) {
    log.error('dataplane: snapshot rejected', { revision, step, error })
    program?.close(running)
    return { revision, step, error }
  }
}

async function waitAtMost(end: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([end, late])
  clearTimeout(timer)
}

function* verifySteps(received: ReceivedSnapshot): Generator<void, Snapshot> {
  if (!('seal' in received)) return yield* verifyLegacySteps(received)
  const { snapshot, seal, publicKey } = received
  yield* verifyRootSteps(snapshot, seal, publicKey)
  return snapshot
}

const revisionOf = (received: ReceivedSnapshot): number =>
  'seal' in received ? received.seal.revision : received.revision
