import type { EventLine } from '../schema/event.ts'
import type { Spool } from './open-spool.ts'

/** Keeps the promise *recorded before answered*. */
export type Recorder = {
  /** Writes the event to the spool together with all others of this turn of the event loop, then calls `release`; when it cannot be written, `abandon`. */
  record(this: void, event: EventLine, release: () => void, abandon: () => void): void
}

/** Opens a recorder over a spool. `onTrouble` hears of every write that failed. */
export function openRecorder(
  spool: Pick<Spool, 'append'>,
  onTrouble: (error: unknown) => void,
): Recorder {
  let lines = ''
  let waiting: { release: () => void; abandon: () => void }[] = []

  const commit = (): void => {
    const written = lines
    const exchanges = waiting
    lines = ''
    waiting = []
    try {
      spool.append(written)
    } catch (error) {
      onTrouble(error)
      for (const { abandon } of exchanges) abandon()
      return
    }
    for (const { release } of exchanges) release()
  }

  return {
    record(event, release, abandon) {
      if (waiting.length === 0) setImmediate(commit)
      lines += `${event}\n`
      waiting.push({ release, abandon })
    },
  }
}
