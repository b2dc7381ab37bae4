import type { Log } from '../lib/log.ts'
import type { EventLine } from '../schema/event.ts'
import type { Spool } from './open-spool.ts'

/** Records events before their answers are sent. */
export type Recorder = {
  /** Writes the event to the spool together with all others of this turn of the event loop, then releases its answer; abandons it when the event cannot be written. */
  record(this: void, event: EventLine, answer: RecordedAnswer): void
}

/** An answer that waits for its event to be recorded; neither method throws. */
export type RecordedAnswer = { release(): void; abandon(): void }

export function openRecorder(spool: Pick<Spool, 'append'>, log: Log): Recorder {
  let lines = ''
  let waiting: RecordedAnswer[] = []

  const commit = (): void => {
    const written = lines
    const answers = waiting
    lines = ''
    waiting = []
    try {
      spool.append(written)
    } catch (error) {
      log.error('spool: events not written, their answers are withheld', {
        events: answers.length,
        error,
      })
      for (const answer of answers) answer.abandon()
      return
    }
    for (const answer of answers) answer.release()
  }

  return {
    record(event, answer) {
      if (waiting.length === 0) setImmediate(commit)
      lines += `${event}\n`
      waiting.push(answer)
    },
  }
}
