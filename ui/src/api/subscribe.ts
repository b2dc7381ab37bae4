import type { Push } from '../../../src/schema/answer.ts'
import type { QueryInput } from '../../../src/schema/query.ts'
import { readCsrfToken } from './csrf-token.ts'
import { ApiError, readApiError } from './api-error.ts'

/** Queries by IDs that the page chooses. */
export type Queries = Readonly<Record<string, QueryInput>>

/** State of a subscription; `done` only with `once`, when every query has an answer. */
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'done' | 'failed'

export type Listener = {
  push(push: Push): void
  state(state: StreamState, error?: ApiError): void
}

const firstDelay = 400
const maxDelay = 8_000
/** The server sends a heartbeat every 15 seconds; after two missed ones the stream counts as dead. */
const maxSilence = 40_000

/** Runs a subscription, reconnecting as needed, until `signal` aborts or, with `once`, every query has an answer. */
export async function subscribe(
  queries: Queries,
  options: { readonly once: boolean; readonly signal: AbortSignal },
  listener: Listener,
): Promise<void> {
  const { once, signal } = options
  const unanswered = new Set(Object.keys(queries))
  let failures = 0
  listener.state('connecting')
  while (!signal.aborted) {
    try {
      for await (const push of openStream(queries, signal)) {
        failures = 0
        listener.push(push)
        unanswered.delete(push.id)
        if (once && unanswered.size === 0) return listener.state('done')
        if (!once) listener.state('live')
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && isFinal(error)) return listener.state('failed', error)
    }
    if (signal.aborted) return
    listener.state('reconnecting')
    await pause(Math.min(firstDelay * 2 ** failures++, maxDelay), signal)
  }
}

async function* openStream(queries: Queries, signal: AbortSignal): AsyncGenerator<Push> {
  const silence = new AbortController()
  const response = await fetch('/api/analytics/subscribe', {
    method: 'POST',
    credentials: 'same-origin',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'x-csrf-token': readCsrfToken(),
    },
    body: JSON.stringify({ queries: queries }),
    signal: AbortSignal.any([signal, silence.signal]),
  })
  if (!response.ok) throw await readApiError(response)
  if (response.body === null) return
  let timer = setTimeout(() => silence.abort(), maxSilence)
  try {
    for await (const event of readEvents(response.body)) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), maxSilence)
      if (event !== '') yield JSON.parse(event) as Push
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** Whether a retry would fail the same way. */
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

/** The data of each event of a text/event-stream; '' for comments and events without data, such as heartbeats. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader()
  let rest = ''
  try {
    while (true) {
      const { done, value } = (await reader.read()) as ReadableStreamReadResult<string>
      if (done) return
      const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield eventData(block)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

const eventData = (block: string): string =>
  block
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5))
    .join('\n')
