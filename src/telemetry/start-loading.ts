import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import { runSliced } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import type { Intake, Load } from './open-intake.ts'
import { buildBlock } from './segment/build-block.ts'

export type LoadingOptions = {
  readonly intake: Intake
  /** Stores a block; repeating an id changes nothing. */
  readonly insert: (id: string, block: ColumnBlock) => Promise<void>
  /** Whether somebody looks at the newest events. */
  readonly isWatched: () => boolean
  readonly log: Log
  /** Milliseconds between two loads at least: while events are watched, and otherwise. */
  readonly intervals?: { readonly watched: number; readonly unwatched: number }
}

export type Loading = {
  /** Stores what has arrived without waiting for the interval of events that nobody watches. */
  wake(this: void): void
  /** Stores what has arrived, for at most `milliseconds`. */
  stop(milliseconds: number): Promise<void>
}

/** Stores what the intake holds in few, large inserts. */
export function startLoading({
  intake,
  insert,
  isWatched,
  log,
  intervals = { watched: 500, unwatched: 3_000 },
}: LoadingOptions): Loading {
  const stopping = new AbortController()
  const backoff = openBackoff(200, 10_000)
  let woken = Promise.withResolvers<void>()
  /** The load that the warehouse did not take the last time. */
  let held: Load | undefined

  const store = async (load: Load): Promise<void> => {
    await insert(load.id, await runSliced(buildBlock(load.segments)))
    intake.finish(load)
  }
  const storeAll = async (): Promise<boolean> => {
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

  const pause = async (worked: boolean): Promise<void> => {
    const { signal } = stopping
    const options = { signal, ref: false }
    const wait = (milliseconds: number) => sleep(milliseconds, undefined, options).catch(ignore)
    if (!worked) return wait(backoff.next())
    await wait(intervals.watched)
    if (signal.aborted || isWatched()) return
    const rest = new AbortController()
    await Promise.race([
      woken.promise,
      sleep(intervals.unwatched - intervals.watched, undefined, {
        ...options,
        signal: AbortSignal.any([signal, rest.signal]),
      }).catch(ignore),
    ])
    rest.abort()
    woken = Promise.withResolvers<void>()
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) await pause(await storeAll())
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
