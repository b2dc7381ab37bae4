import type { Push } from '../../../src/schema/answer.ts'
import type { QueryInput } from '../../../src/schema/query.ts'
import { ApiError, readApiError } from './api-error.ts'

/** Queries by an id of the page's choosing. */
export type Queries = Readonly<Record<string, QueryInput>>

/** How a subscription is: `done` when it was asked to end after the first answers and did. */
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'done' | 'refused'

/** What a subscription tells. */
export type Listener = {
  push(push: Push): void
  state(state: StreamState, error?: ApiError): void
}

const firstDelay = 400
const longestDelay = 8_000
/** The server beats every 15 seconds; a stream silent for longer than two beats is dead. */
const longestSilence = 40_000

/** Keeps a subscription alive until `signal` aborts, or, with `once`, until every question has one answer. */
export async function subscribe(
  queries: Queries,
  options: { readonly once: boolean; readonly signal: AbortSignal },
  listener: Listener,
): Promise<void> {
  const { once, signal } = options
  const waiting = new Set(Object.keys(queries))
  let failures = 0
  listener.state('connecting')
  while (!signal.aborted) {
    try {
      for await (const push of openStream(queries, signal)) {
        failures = 0
        listener.push(push)
        waiting.delete(push.id)
        if (once && waiting.size === 0) return listener.state('done')
        if (!once) listener.state('live')
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && isFinal(error)) return listener.state('refused', error)
    }
    if (signal.aborted) return
    listener.state('reconnecting')
    await pause(Math.min(firstDelay * 2 ** failures++, longestDelay), signal)
  }
}

async function* openStream(queries: Queries, signal: AbortSignal): AsyncGenerator<Push> {
  const silence = new AbortController()
  const response = await fetch('/api/analytics/subscribe', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ queries: queries }),
    signal: AbortSignal.any([signal, silence.signal]),
  })
  if (!response.ok) throw await readApiError(response)
  if (response.body === null) return
  let timer = setTimeout(() => silence.abort(), longestSilence)
  try {
    for await (const event of readEvents(response.body)) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), longestSilence)
      if (event !== '') yield JSON.parse(event) as Push
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** Asking again would be refused again. */
const isFinal = (error: ApiError): boolean =>
  error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429

function pause(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delay * (1 - Math.random() / 3))
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

/** The data of each event of a text/event-stream; '' for a comment or an event without data, which shows only that the sender lives. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader()
  let rest = ''
  try {
    while (true) {
      const { done, value } = (await reader.read()) as ReadableStreamReadResult<string>
      if (done) return
      const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield dataOf(block)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

const dataOf = (block: string): string =>
  block
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5))
    .join('\n')
