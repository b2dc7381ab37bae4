import { useEffect, useMemo, useState } from 'react'
import type { Answer, Push } from '../../../src/schema/answer.ts'
import type { ApiError } from '../api/api-error.ts'
import { type Queries, type StreamState, subscribe } from '../api/subscribe.ts'

/** What is known about one question: the newest answer, or why there is none. */
export type LiveResult = {
  readonly answer?: Answer
  readonly problem?: { readonly code: string; readonly message: string }
  /** True when the question has changed since. */
  readonly stale: boolean
}

/** The newest answers to a page's queries. */
export type LiveResults = {
  told(id: string): LiveResult
  readonly state: StreamState
  readonly error: ApiError | undefined
}

type Kept = { readonly told: LiveResult; readonly stale: LiveResult; readonly key: string }
const unknown: LiveResult = { stale: false }

/** Asks all queries of a page over one subscription; while `live`, new answers come by themselves. The old answer to a changed question stays until the new one is there. */
export function useLiveQueries(queries: Queries, live: boolean): LiveResults {
  const [kept, setKept] = useState<ReadonlyMap<string, Kept>>(new Map())
  const [stream, setStream] = useState<{ state: StreamState; error?: ApiError }>({
    state: 'connecting',
  })
  const key = JSON.stringify(queries)

  useEffect(() => {
    const asked = JSON.parse(key) as Queries
    const ending = new AbortController()
    const frame = openFrame<Push>((pushes) =>
      setKept((before) => mergePushes(before, pushes, asked)),
    )
    void subscribe(
      asked,
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
      told(id) {
        const found = kept.get(id)
        if (found === undefined) return unknown
        return found.key === JSON.stringify(queries[id]) ? found.told : found.stale
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
  asked: Queries,
): ReadonlyMap<string, Kept> {
  const after = new Map(before)
  for (const [id, push] of pushes) {
    const told = 'answer' in push ? { answer: push.answer } : { problem: push.problem }
    after.set(id, {
      told: { ...told, stale: false },
      stale: { ...told, stale: true },
      key: JSON.stringify(asked[id]),
    })
  }
  return after
}

/** Answers of one turn of the server come shortly after each other. */
const gatherFor = 100

/** Gathers the newest of each id for a moment and until the next frame, so that a dozen answers draw the page once. */
function openFrame<T>(flush: (gathered: ReadonlyMap<string, T>) => void) {
  let gathered = new Map<string, T>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame: number | undefined
  const draw = () => {
    const ready = gathered
    gathered = new Map()
    timer = undefined
    flush(ready)
  }
  return {
    add(id: string, value: T) {
      gathered.set(id, value)
      timer ??= setTimeout(() => {
        frame = requestAnimationFrame(draw)
      }, gatherFor)
    },
    close() {
      clearTimeout(timer)
      if (frame !== undefined) cancelAnimationFrame(frame)
    },
  }
}
