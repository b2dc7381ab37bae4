import type { Clock } from './clock.ts'

/** A document of another server that is kept and read again from time to time. */
export type CachedDocument<Value> = {
  /** The last document that was read, even if it is old because it cannot be read again. Rejects while there is none. */
  get(): Value | Promise<Value>
  /** Starts to read it again when it is old. */
  renew(): void
  /** Reads it again, at most once per cooldown; resolves when the document is as new as it may be. */
  refresh(): Promise<void>
}

export type DocumentOptions<Value> = {
  readonly read: () => Promise<Value>
  readonly clock: Clock
  /** Milliseconds after which it is read again in the background. */
  readonly maxAge: number
  /** Milliseconds between two attempts. */
  readonly cooldown: number
  readonly onFailure: (error: unknown) => void
}

/** Milliseconds after which a document that was never read is tried again, doubled by each failure up to the cooldown. */
const firstRetry = 500

/** One request at a time, for all waiters. */
export function openCachedDocument<Value>({
  read,
  clock,
  maxAge,
  cooldown,
  onFailure,
}: DocumentOptions<Value>): CachedDocument<Value> {
  let known: { readonly value: Value; readonly readAt: number } | undefined
  let failed: { readonly error: unknown; readonly at: number; readonly times: number } | undefined
  let refreshedAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  const attempt = async (): Promise<void> => {
    try {
      known = { value: await read(), readAt: clock.now() }
      failed = undefined
    } catch (error) {
      failed = { error, at: clock.now(), times: (failed?.times ?? 0) + 1 }
      onFailure(error)
    } finally {
      running = undefined
    }
  }
  const isPaused = (pause: number): boolean =>
    failed !== undefined && clock.now() - failed.at < pause
  const first = async (): Promise<Value> => {
    const pause = Math.min(cooldown, firstRetry * 2 ** ((failed?.times ?? 1) - 1))
    if (running === undefined && isPaused(pause)) throw failed?.error
    await (running ??= attempt())
    if (known === undefined) throw failed?.error
    return known.value
  }
  const renew = (): void => {
    const isOld = known !== undefined && clock.now() - known.readAt > maxAge
    if (isOld && !isPaused(cooldown)) running ??= attempt()
  }
  return {
    get() {
      if (known === undefined) return first()
      renew()
      return known.value
    },
    renew,
    async refresh() {
      if (running === undefined) {
        if (clock.now() - refreshedAt < cooldown) return
        refreshedAt = clock.now()
      }
      await (running ??= attempt())
    },
  }
}
