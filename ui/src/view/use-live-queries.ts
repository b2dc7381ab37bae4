import { useEffect, useMemo, useState } from 'react'
import type { Answer, Push } from '../../../src/schema/answer.ts'
import type { ApiError } from '../api/api-error.ts'
import { type Queries, type StreamState, subscribe } from '../api/subscribe.ts'

/** The newest answer to a query, or the problem that prevented one. */
export type LiveResult = {
  readonly answer?: Answer
  readonly problem?: { readonly code: string; readonly message: string }
  /** True when the query has changed since. */
  readonly stale: boolean
}

/** The results of a page's queries. */
export type LiveResults = {
  result(id: string): LiveResult
  readonly state: StreamState
  readonly error: ApiError | undefined
}

type Kept = { readonly result: LiveResult; readonly stale: LiveResult; readonly key: string }
const pending: LiveResult = { stale: false }

/** Subscribes to all queries of a page; while `live`, answers are pushed. After a query changes, its old answer stays, marked as stale, until the new one arrives. */
export function useLiveQueries(queries: Queries, live: boolean): LiveResults {
  const [kept, setKept] = useState<ReadonlyMap<string, Kept>>(new Map())
  const [stream, setStream] = useState<{ state: StreamState; error?: ApiError }>({
    state: 'connecting',
  })
  const key = JSON.stringify(queries)

  useEffect(() => {
    const sent = JSON.parse(key) as Queries
    const ending = new AbortController()
    const frame = createFrameBatch<Push>((pushes) =>
      setKept((before) => mergePushes(before, pushes, sent)),
    )
    void subscribe(
      sent,
      { once: !live, signal: ending.signal },
      {
        push: (push) => frame.add(push.id, push),
        state: (state, error) => setStream(error === undefined ? { state } : { state, error }),
      },
    )
    return () => {
      ending.abort()
      frame.close()
    }
  }, [key, live])

  return useMemo(
    () => ({
      result(id) {
        const found = kept.get(id)
        if (found === undefined) return pending
        return found.key === JSON.stringify(queries[id]) ? found.result : found.stale
      },
      state: stream.state,
      error: stream.error,
    }),
    // oxlint-disable-next-line react/exhaustive-deps -- key stands for queries
    [kept, stream, key],
  )
}

function mergePushes(
  before: ReadonlyMap<string, Kept>,
  pushes: ReadonlyMap<string, Push>,
  sent: Queries,
): ReadonlyMap<string, Kept> {
  const after = new Map(before)
  for (const [id, push] of pushes) {
    const result = 'answer' in push ? { answer: push.answer } : { problem: push.problem }
    after.set(id, {
      result: { ...result, stale: false },
      stale: { ...result, stale: true },
      key: JSON.stringify(sent[id]),
    })
  }
  return after
}

/** Milliseconds within which the answers of one server update arrive. */
const batchWindow = 100

/** Batches the newest value of each ID until the next frame, so that a dozen answers render once. */
function createFrameBatch<T>(flush: (batch: ReadonlyMap<string, T>) => void) {
  let batch = new Map<string, T>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame: number | undefined
  const draw = () => {
    const ready = batch
    batch = new Map()
    timer = undefined
    flush(ready)
  }
  return {
    add(id: string, value: T) {
      batch.set(id, value)
      timer ??= setTimeout(() => {
        frame = requestAnimationFrame(draw)
      }, batchWindow)
    },
    close() {
      clearTimeout(timer)
      if (frame !== undefined) cancelAnimationFrame(frame)
    },
  }
}
