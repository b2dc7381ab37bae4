import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { EventRecord } from '../schema/event.ts'
import type { Spool } from './open-spool.ts'
import type { UnrecordedKind } from './unrecorded/count-slots.ts'
import type { UnrecordedCounts } from './unrecorded/open-counts.ts'

/** Records events before their answers are sent. */
export type Recorder = {
  /** Writes the event to the spool together with all others of this turn of the event loop, then releases its answer; abandons it when the event cannot be written. */
  record(this: void, event: EventRecord, answer: RecordedAnswer): void
  /** Throws a Problem if requests of a workspace are refused because their events cannot be recorded. */
  check(this: void, workspace: string): void
}

/** An answer that waits for its event to be recorded; neither method throws. */
export type RecordedAnswer = { release(): void; abandon(): void }

/**
 * Failures that a recorded event survives. `commit`: the end of any process. `interval`: also a power loss, except for the
 * events of the last `milliseconds`. `strict`: also a power loss.
 */
export type Durability =
  | { readonly mode: 'commit' }
  | { readonly mode: 'strict' }
  | { readonly mode: 'interval'; readonly milliseconds: number }

/** Policy for requests whose events do not fit in the spool. */
export type FullSpoolPolicy = {
  /** Counts events that are not recorded; undefined when there was no space for that either. */
  counts(): Pick<UnrecordedCounts, 'add'> | undefined
  /** Whether requests of a workspace are served without events; otherwise they are refused. */
  sheds(workspace: string): boolean
}

const refuseAll: FullSpoolPolicy = { counts: () => undefined, sheds: () => false }

export function openRecorder(
  spool: Pick<Spool, 'append' | 'sync' | 'isFull'>,
  log: Log,
  durability: Durability = { mode: 'commit' },
  policy: FullSpoolPolicy = refuseAll,
): Recorder {
  let events: EventRecord[] = []
  let waiting: RecordedAnswer[] = []
  let counted = new Map<string, Counted>()
  let isScheduled = false

  const withhold = (answers: readonly RecordedAnswer[], error: unknown): void => {
    log.error('spool: events not written, their answers are withheld', {
      events: answers.length,
      error,
    })
    for (const answer of answers) answer.abandon()
  }
  const after = openAfterAppend(spool, log, durability, withhold)

  const count = (workspace: string, kind: UnrecordedKind, answer: RecordedAnswer): void => {
    const key = `${kind} ${workspace}`
    const known = counted.get(key)
    if (known === undefined) counted.set(key, { workspace, kind, answers: [answer] })
    else known.answers.push(answer)
  }
  const commitCounted = (): void => {
    const groups = counted
    counted = new Map()
    for (const { workspace, kind, answers } of groups.values()) {
      try {
        const counts = policy.counts()
        if (counts === undefined) throw new Error('no space for counts of events')
        counts.add(workspace, kind, answers.length)
      } catch (error) {
        withhold(answers, error)
        continue
      }
      after(answers)
    }
  }
  const commit = (): void => {
    isScheduled = false
    const written = events
    const answers = waiting
    events = []
    waiting = []
    try {
      if (written.length > 0) spool.append(written)
    } catch (error) {
      const withheld = answers.filter((answer, index) => {
        const { workspace } = (written[index] as EventRecord).place
        const isShed = spool.isFull && policy.counts() !== undefined && policy.sheds(workspace)
        if (isShed) count(workspace, 'shed', answer)
        return !isShed
      })
      if (withheld.length > 0) withhold(withheld, error)
      commitCounted()
      return
    }
    if (answers.length > 0) after(answers)
    if (counted.size > 0) commitCounted()
  }

  return {
    record(event, answer) {
      if (!isScheduled) setImmediate(commit)
      isScheduled = true
      if (spool.isFull) {
        const { workspace } = event.place
        const isShed = policy.sheds(workspace)
        // Without a target, the gateway answered by itself; these must not fill the remaining space.
        if (isShed || event.tries === 0) {
          return count(workspace, isShed ? 'shed' : 'refused', answer)
        }
      }
      events.push(event)
      waiting.push(answer)
    },
    check(workspace) {
      if (spool.isFull && !(policy.sheds(workspace) && policy.counts() !== undefined))
        throw new Problem(
          'recording.full',
          503,
          'The request cannot be recorded: the event spool of the gateway is full',
          { headers: { 'Retry-After': '5' } },
        )
    },
  }
}

type Counted = {
  readonly workspace: string
  readonly kind: UnrecordedKind
  readonly answers: RecordedAnswer[]
}

type Withhold = (answers: readonly RecordedAnswer[], error: unknown) => void

/** Releases the answers whose events were appended, before or after a sync. */
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
