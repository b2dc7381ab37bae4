import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'

/** Milliseconds between refreshes: at least `min`; at most `relative` while rows arrive and queries depend on the time, else `max`. */
const intervals = { min: 250, relative: 1000, max: 5000 } as const

/** Decides when a subscription refreshes: soon after inserts, when the rights change, and regularly. */
export type RefreshScheduler = {
  readonly onInsert: () => void
  /** Whether a refresh is due with these rights. If so, it counts as started. */
  readonly start: (rights: Rights) => boolean
  /** `isRelative` when a query of the subscription depends on the current time. */
  readonly finish: (isRelative: boolean) => void
  /** Resolves when a refresh may be due, at the latest after a second, so that changed rights are noticed. */
  readonly wait: () => Promise<void>
  /** Ends the current wait. */
  readonly wake: () => void
}

export function openRefreshScheduler(clock: Clock): RefreshScheduler {
  let timer: NodeJS.Timeout | undefined
  let resolveWait: (() => void) | undefined
  let lastRights: Rights | undefined
  let hasNewRows = true
  let isRelative = false
  let lastRefresh = -Infinity
  let lastInsert = -Infinity

  const wakeIn = (milliseconds: number): void => {
    if (resolveWait === undefined) return
    clearTimeout(timer)
    timer = setTimeout(resolveWait, milliseconds)
  }
  const untilNext = (): number => Math.max(0, lastRefresh + intervals.min - clock.now())
  return {
    onInsert() {
      hasNewRows = true
      lastInsert = clock.now()
      wakeIn(untilNext())
    },
    start(rights) {
      const now = clock.now()
      const isBusy = isRelative && now - lastInsert < intervals.max
      const interval = isBusy ? intervals.relative : intervals.max
      if (!hasNewRows && rights === lastRights && now - lastRefresh < interval) return false
      hasNewRows = false
      lastRights = rights
      lastRefresh = now
      return true
    },
    finish(relative) {
      isRelative = relative
    },
    async wait() {
      await new Promise<void>((resolve) => {
        resolveWait = resolve
        wakeIn(hasNewRows ? untilNext() : intervals.relative)
      })
      resolveWait = undefined
    },
    wake: () => wakeIn(0),
  }
}
