import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import { runSliced } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import type { Intake, Load } from './open-intake.ts'
import { buildBlock } from './segment/build-block.ts'

export type LoadingOptions = {
  readonly intake: Pick<Intake, 'next' | 'finish' | 'refuse' | 'isEmpty'>
  /** Stores a block; repeating an id changes nothing. */
  readonly insert: (id: string, block: ColumnBlock) => Promise<void>
  /** Whether somebody looks at the newest events. */
  readonly isWatched: () => boolean
  readonly log: Log
  /** Milliseconds between two loads at least: while events are watched, and otherwise. */
  readonly intervals?: { readonly watched: number; readonly unwatched: number }
}

export type Loading = {
  /** Call when a batch has arrived, and when somebody begins to look: what has arrived is stored as soon as the intervals allow. */
  wake(this: void): void
  /** Stores what has arrived, for at most `milliseconds`. */
  stop(milliseconds: number): Promise<void>
}

/** Slightly less than gateways wait between two batches while events are watched, so that none waits for the next load. */
const usual = { watched: 450, unwatched: 3_000 }

/** Stores what the intake holds in few, large inserts; none while nothing arrives. */
export function startLoading({
  intake,
  insert,
  isWatched,
  log,
  intervals = usual,
}: LoadingOptions): Loading {
  const stopping = new AbortController()
  const { signal } = stopping
  const backoff = openBackoff(200, 10_000)
  let woken = Promise.withResolvers<void>()
  let lastLoad = -Infinity
  /** The load that the warehouse did not take the last time. */
  let held: Load | undefined

  const store = async (load: Load): Promise<void> => {
    await insert(load.id, await runSliced(buildBlock(load.segments)))
    intake.finish(load)
  }
  const storeWaiting = async (): Promise<boolean> => {
    for (let load = held ?? intake.next(); load !== undefined; load = intake.next()) {
      held = load
      try {
        await store(load)
        backoff.reset()
      } catch (error) {
        const { id, batches } = load
        if (!(error instanceof Problem && error.status === 400)) {
          log.warn('loading: batches not stored, they stay in the intake', { load: id, error })
          return false
        }
        intake.refuse(load)
        log.error('loading: batches cannot be stored, they are set aside', {
          load: id,
          batches,
          error,
        })
      }
      held = undefined
    }
    return true
  }

  const storeAll = (): Promise<boolean> =>
    storeWaiting().catch((error: unknown) => {
      log.error('loading: the intake cannot be read or changed', { error })
      return false
    })

  const untilDue = (): number =>
    lastLoad + (isWatched() ? intervals.watched : intervals.unwatched) - performance.now()
  const untilWoken = async (milliseconds?: number): Promise<void> => {
    const rest = new AbortController()
    const options = { signal: AbortSignal.any([signal, rest.signal]), ref: false }
    const over = milliseconds === undefined ? [] : [sleep(milliseconds, undefined, options)]
    await Promise.race([
      woken.promise,
      once(signal, 'abort', { signal: rest.signal }),
      ...over,
    ]).catch(ignore)
    rest.abort()
    woken = Promise.withResolvers<void>()
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      if (intake.isEmpty && held === undefined) await untilWoken()
      else if (untilDue() > 0) await untilWoken(untilDue())
      else {
        lastLoad = performance.now()
        if (!(await storeAll()))
          await sleep(backoff.next(), undefined, { signal, ref: false }).catch(ignore)
      }
    }
  }

  const running = run()
  return {
    wake: () => woken.resolve(),
    async stop(milliseconds) {
      stopping.abort()
      const last = running.then(storeAll)
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })])
    },
  }
}

const ignore = (): void => undefined
