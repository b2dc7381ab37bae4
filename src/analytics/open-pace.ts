import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'

/** Milliseconds between two turns: at least; at most while rows come in and windows move; at most when nothing happens. */
const spans = { least: 250, moving: 1000, idle: 5000 } as const

/** When a subscription takes its turns: soon after rows came in, but not too often, and now and then without. */
export type Pace = {
  readonly rowsCame: () => void
  /** Whether a turn is due with these rights; if so, it has begun. */
  readonly begins: (rights: Rights) => boolean
  /** The turn is over; `moves` when one of its questions means other rows a moment later. */
  readonly ended: (moves: boolean) => void
  /** Waits until a turn may be due; rights are looked at every second. */
  readonly rest: () => Promise<void>
  /** Ends the rest. */
  readonly hasten: () => void
}

/** Opens the pace of one subscription. */
export function openPace(clock: Clock): Pace {
  let timer: NodeJS.Timeout | undefined
  let wake: (() => void) | undefined
  let known: Rights | undefined
  let rows = true
  let moves = false
  let lastTurn = -Infinity
  let lastRows = -Infinity

  const wakeIn = (milliseconds: number): void => {
    if (wake === undefined) return
    clearTimeout(timer)
    timer = setTimeout(wake, milliseconds)
  }
  const untilNext = (): number => Math.max(0, lastTurn + spans.least - clock.now())
  return {
    rowsCame() {
      rows = true
      lastRows = clock.now()
      wakeIn(untilNext())
    },
    begins(rights) {
      const now = clock.now()
      const isBusy = moves && now - lastRows < spans.idle
      const longest = isBusy ? spans.moving : spans.idle
      if (!rows && rights === known && now - lastTurn < longest) return false
      rows = false
      known = rights
      lastTurn = now
      return true
    },
    ended(nowMoves) {
      moves = nowMoves
    },
    async rest() {
      await new Promise<void>((resolve) => {
        wake = resolve
        wakeIn(rows ? untilNext() : spans.moving)
      })
      wake = undefined
    },
    hasten: () => wakeIn(0),
  }
}
