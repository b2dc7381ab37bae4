import { openBackoff } from './backoff.ts'

/** Delays are in seconds, as in Kong's queues. */
export type BatchQueueSettings = {
  readonly max_batch_size: number
  readonly max_coalescing_delay: number
  readonly max_entries: number
  readonly max_bytes: number | null
  /** -1 for no retries. */
  readonly max_retry_time: number
  readonly initial_retry_delay: number
  readonly max_retry_delay: number
  /** Batches in flight; -1 for as many as there are, up to a limit. */
  readonly concurrency_limit: number
}

/** Bytes that several queues may hold together. */
export type ByteBudget = { bytes: number; readonly max: number }

export type BatchQueueOptions<Entry> = {
  readonly settings: BatchQueueSettings
  /** Rejects when the batch has to be sent again. Must settle, soon once `signal` is aborted. */
  readonly send: (this: void, entries: readonly Entry[], signal: AbortSignal) => Promise<void>
  readonly budget: ByteBudget
  /** `reason` is constant text. */
  readonly onDropped: (this: void, entries: number, reason: string, error?: unknown) => void
}

/** A queue that is sent in batches, with retries; when it is full, its oldest entries are dropped. */
export type BatchQueue<Entry> = {
  add(entry: Entry, bytes: number): void
  readonly state: Readonly<BatchQueueState>
  /** Resolves once everything that is queued was sent or dropped; does not wait to fill batches. */
  drain(): Promise<void>
  /** Drops everything, and aborts the current batch. */
  abort(): void
}

export type BatchQueueState = {
  queued: number
  queuedBytes: number
  sent: number
  dropped: number
  failures: number
  error: string
}

type Queued<Entry> = { readonly entry: Entry; readonly bytes: number; readonly since: number }

/** Characters. */
const maxErrorLength = 300

/** Batches that one queue sends at the same time where Kong has no limit. */
const maxConcurrency = 32

export function openBatchQueue<Entry>(options: BatchQueueOptions<Entry>): BatchQueue<Entry> {
  const { settings, send, budget, onDropped } = options
  const { max_batch_size: maxBatch, max_entries: maxEntries } = settings
  const maxBytes = settings.max_bytes ?? Number.POSITIVE_INFINITY
  const concurrency = settings.concurrency_limit === 1 ? 1 : maxConcurrency
  const state: BatchQueueState = {
    queued: 0,
    queuedBytes: 0,
    sent: 0,
    dropped: 0,
    failures: 0,
    error: '',
  }
  let entries: (Queued<Entry> | undefined)[] = []
  let head = 0
  let inFlight = 0
  let timer: NodeJS.Timeout | undefined
  let isScheduled = false
  let isDraining = false
  let drained: PromiseWithResolvers<void> | undefined
  let aborting = new AbortController()

  const shift = (): Queued<Entry> => {
    const first = entries[head] as Queued<Entry>
    entries[head] = undefined
    head += 1
    if (head > 1_024 && head * 2 > entries.length) {
      entries = entries.slice(head)
      head = 0
    }
    state.queued -= 1
    state.queuedBytes -= first.bytes
    return first
  }
  const drop = (count: number, reason: string, error?: unknown): void => {
    state.dropped += count
    onDropped(count, reason, error)
  }
  const dropOldest = (): void => {
    budget.bytes -= shift().bytes
    drop(1, 'the queue is full')
  }
  const exceeds = (bytes: number): boolean =>
    state.queued >= maxEntries ||
    state.queuedBytes + bytes > maxBytes ||
    budget.bytes + bytes > budget.max

  const deliver = async (batch: readonly Queued<Entry>[]): Promise<void> => {
    const startedAt = performance.now()
    const { signal } = aborting
    const backoff = openBackoff(
      settings.initial_retry_delay * 1_000,
      settings.max_retry_delay * 1_000,
    )
    const sending = batch.map(({ entry }) => entry)
    for (;;) {
      try {
        await send(sending, signal)
        state.sent += batch.length
        state.error = ''
        return
      } catch (error) {
        state.failures += 1
        state.error = (error instanceof Error ? error.message : String(error)).slice(
          0,
          maxErrorLength,
        )
        const isOver = performance.now() - startedAt > settings.max_retry_time * 1_000
        if (signal.aborted) return drop(batch.length, 'stopped before they were sent', error)
        if (isOver) return drop(batch.length, 'max_retry_time is over', error)
      }
      await pause(backoff.next(), signal)
    }
  }
  const settleDrain = (): void => {
    if (drained === undefined || state.queued > 0 || inFlight > 0) return
    isDraining = false
    drained.resolve()
    drained = undefined
  }
  const sendBatches = (): void => {
    isScheduled = false
    clearTimeout(timer)
    timer = undefined
    while (state.queued > 0 && inFlight < concurrency) {
      const wait = coalescing()
      if (wait > 0) {
        timer = setTimeout(sendBatches, wait)
        return
      }
      const batch = Array.from({ length: Math.min(maxBatch, state.queued) }, shift)
      inFlight += 1
      void deliver(batch).finally(() => {
        for (const { bytes } of batch) budget.bytes -= bytes
        inFlight -= 1
        sendBatches()
        settleDrain()
      })
    }
  }
  /** Milliseconds that the next batch still waits for more entries. */
  const coalescing = (): number => {
    if (isDraining || state.queued >= maxBatch) return 0
    const { since } = entries[head] as Queued<Entry>
    return settings.max_coalescing_delay * 1_000 - (performance.now() - since)
  }

  return {
    state,
    add(entry, bytes) {
      if (bytes > maxBytes) return drop(1, 'larger than max_bytes')
      while (state.queued > 0 && exceeds(bytes)) dropOldest()
      if (exceeds(bytes)) return drop(1, 'all queues of the worker are full')
      entries.push({ entry, bytes, since: performance.now() })
      state.queued += 1
      state.queuedBytes += bytes
      budget.bytes += bytes
      if (isScheduled || inFlight >= concurrency) return
      if (timer !== undefined && state.queued < maxBatch) return
      isScheduled = true
      setImmediate(sendBatches)
    },
    drain() {
      isDraining = true
      drained ??= Promise.withResolvers<void>()
      const { promise } = drained
      sendBatches()
      settleDrain()
      return promise
    },
    abort() {
      const count = state.queued
      while (state.queued > 0) budget.bytes -= shift().bytes
      if (count > 0) drop(count, 'stopped before they were sent')
      aborting.abort()
      aborting = new AbortController()
    },
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
