import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import type { Intake, Load } from './open-intake.ts'
import { storeLoad, type StoreLoadOptions } from './store-load.ts'

export type LoadingOptions = Omit<StoreLoadOptions, 'intake' | 'isStored'> & {
  readonly intake: StoreLoadOptions['intake'] & Pick<Intake, 'next' | 'postpone' | 'isEmpty'>
  readonly isStored?: StoreLoadOptions['isStored']
  /** Whether the newest events are being watched. */
  readonly isWatched: () => boolean
  /** Milliseconds between two loads at least: while events are watched, and otherwise. */
  readonly intervals?: { readonly watched: number; readonly unwatched: number }
}

export type Loading = {
  /** Call when a batch has arrived, and when events begin to be watched: received batches are stored as soon as the intervals allow. */
  wake(this: void): void
  /** Milliseconds after which the next batch of a sender arrives just before a load: by it all senders are in step, and no batch waits for the load after the next. */
  nextBatchIn(this: void): number
  /** Stores the received batches, for at most `milliseconds`. */
  stop(milliseconds: number): Promise<void>
}

const usual = { watched: 500, unwatched: 3_000 }

/** Milliseconds between the arrival of a batch and its load. */
const lead = 25

/** Stores what the intake holds in few, large inserts; none while nothing arrives. */
export function startLoading({
  intake,
  insert,
  isStored = async () => false,
  withoutErased,
  isWatched,
  log,
  intervals = usual,
}: LoadingOptions): Loading {
  const stopping = new AbortController()
  const { signal } = stopping
  const backoff = openBackoff(200, 10_000)
  let woken = Promise.withResolvers<void>()
  let lastLoad = -Infinity
  /** The load that failed last time. */
  let held: Load | undefined
  let failures = 0
  const postponed = new Set<string>()

  const keepFailed = (load: Load, error: unknown): void => {
    log.warn('loading: batches not stored, they stay in the intake', { load: load.id, error })
    failures += 1
    if (failures < maxFailures && !postponed.has(load.id)) return
    // Others may be stored meanwhile.
    intake.postpone(load)
    postponed.add(load.id)
    held = undefined
    failures = 0
  }
  const storeWaiting = async (): Promise<boolean> => {
    for (let load = held ?? intake.next(); load !== undefined; load = intake.next()) {
      held = load
      try {
        await storeLoad(load, {
          intake,
          insert,
          isStored,
          log,
          ...(withoutErased && { withoutErased }),
        })
      } catch (error) {
        keepFailed(load, error)
        return false
      }
      backoff.reset()
      postponed.delete(load.id)
      held = undefined
      failures = 0
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
    nextBatchIn() {
      const rest = Math.max(0, untilDue())
      return rest > 2 * lead ? rest - lead : rest + intervals.watched - lead
    },
    async stop(milliseconds) {
      stopping.abort()
      const last = running.then(storeAll)
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })])
    },
  }
}

const ignore = (): undefined => undefined

/** Attempts after which a load waits until others were tried. */
const maxFailures = 5
