import type { Log } from '../lib/log.ts'
import type { EventRecord } from '../schema/event.ts'
import type { Spool } from './open-spool.ts'

/** Records events before their answers are sent. */
export type Recorder = {
  /** Writes the event to the spool together with all others of this turn of the event loop, then releases its answer; abandons it when the event cannot be written. */
  record(this: void, event: EventRecord, answer: RecordedAnswer): void
}

/** An answer that waits for its event to be recorded; neither method throws. */
export type RecordedAnswer = { release(): void; abandon(): void }

/**
 * What a recorded event survives. `commit`: the end of any process. `interval`: also a loss of power, except for the
 * events of the last `milliseconds`. `strict`: also a loss of power.
 */
export type Durability =
  | { readonly mode: 'commit' }
  | { readonly mode: 'strict' }
  | { readonly mode: 'interval'; readonly milliseconds: number }

export function openRecorder(
  spool: Pick<Spool, 'append' | 'sync'>,
  log: Log,
  durability: Durability = { mode: 'commit' },
): Recorder {
  let events: EventRecord[] = []
  let waiting: RecordedAnswer[] = []

  const withhold = (answers: readonly RecordedAnswer[], error: unknown): void => {
    log.error('spool: events not written, their answers are withheld', {
      events: answers.length,
      error,
    })
    for (const answer of answers) answer.abandon()
  }
  const after = openAfterAppend(spool, log, durability, withhold)

  const commit = (): void => {
    const written = events
    const answers = waiting
    events = []
    waiting = []
    try {
      spool.append(written)
    } catch (error) {
      return withhold(answers, error)
    }
    after(answers)
  }

  return {
    record(event, answer) {
      if (waiting.length === 0) setImmediate(commit)
      events.push(event)
      waiting.push(answer)
    },
  }
}

type Withhold = (answers: readonly RecordedAnswer[], error: unknown) => void

/** What happens to the answers whose events were appended. */
function openAfterAppend(
  { sync }: Pick<Spool, 'sync'>,
  log: Log,
  durability: Durability,
  withhold: Withhold,
): (answers: readonly RecordedAnswer[]) => void {
  if (durability.mode === 'strict') return openStrict(sync, withhold)
  if (durability.mode === 'commit') return release
  const { milliseconds } = durability
  let isScheduled = false
  const syncLater = (): void => {
    isScheduled = false
    sync().catch((error: unknown) => log.error('spool: not synchronized with the disk', { error }))
  }
  return (answers) => {
    if (!isScheduled) setTimeout(syncLater, milliseconds)
    isScheduled = true
    release(answers)
  }
}

function release(answers: readonly RecordedAnswer[]): void {
  for (const answer of answers) answer.release()
}

/** One sync at a time; the next is for all answers that came meanwhile. */
function openStrict(sync: Spool['sync'], withhold: Withhold) {
  let unsynced: RecordedAnswer[] = []
  let isSyncing = false
  const run = async (): Promise<void> => {
    isSyncing = true
    while (unsynced.length > 0) {
      const answers = unsynced
      unsynced = []
      await sync().then(
        () => release(answers),
        (error: unknown) => withhold(answers, error),
      )
    }
    isSyncing = false
  }
  return (answers: readonly RecordedAnswer[]): void => {
    unsynced.push(...answers)
    if (!isSyncing) void run()
  }
}
