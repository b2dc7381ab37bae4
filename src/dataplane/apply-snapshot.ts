import { runSliced, yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { compileSteps, type Program, type ProgramTools } from '../proxy/program.ts'
import type { Secrets } from '../secrets/open-secrets.ts'
import { verifySteps } from '../snapshot/seal-snapshot.ts'
import type { ReceivedSnapshot, SnapshotCache } from './snapshot-cache.ts'

/** What a worker applies snapshots with. */
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

/**
 * The worker's half of a change. Long steps run in slices, so that requests need not wait for a large snapshot. Until
 * the swap nothing has changed for requests: whichever step fails, the program before goes on, and the rejection is
 * logged and returned.
 */
export async function applySnapshot(
  received: ReceivedSnapshot,
  { secrets, tools, cache, swap, log }: ApplyContext,
): Promise<Rejection | undefined> {
  const { sealed, publicKey } = received
  const { revision } = sealed
  let step: Rejection['step'] = 'verify'
  try {
    const verified = await runSliced(verifySteps(sealed, publicKey))

    step = 'resolve'
    const { snapshot, withheld } = await secrets.fill(verified)
    for (const [plugin, reason] of withheld)
      log.warn('dataplane: plugin rejects all requests until its secret is available', {
        plugin,
        reason,
      })

    step = 'compile'
    const program = await runSliced(compileSteps(snapshot, revision, { ...tools, withheld }))
    await yieldToEventLoop()

    // A full disk must not keep a change from this worker; only its next start without a control plane is behind then.
    await cache.write(received).catch((error: unknown) => {
      log.error('dataplane: snapshot not cached on disk', { revision, error })
    })

    step = 'swap'
    swap(program)
    log.info('dataplane: snapshot applied', { revision })
    return undefined
  } catch (error) {
    log.error('dataplane: snapshot rejected', { revision, step, error })
    return { revision, step, error }
  }
}
