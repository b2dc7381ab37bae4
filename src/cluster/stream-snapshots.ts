import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalText } from '../lib/canonical-text.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { memoizeBriefly } from '../lib/memoize-by-key.ts'
import type { SerialQueue } from '../lib/serial-queue.ts'
import type { Seal } from '../schema/snapshot.ts'
import { renderDelta, type KnownState, type SealedState } from '../snapshot/render-delta.ts'
import type { NodeClaims } from './node-token.ts'

export type StreamOptions = {
  /** The snapshot that the receiver has. */
  readonly from: KnownState | undefined
  readonly current: () => SealedState
  /** Calls the listener at every publication; returns the function that unsubscribes it. */
  readonly onPublish: (listener: () => void) => () => void
  /** Identifies the receiver in the log. */
  readonly node: Pick<NodeClaims, 'node' | 'worker'>
  /** Streams that send much take turns, so that many of them do not stall the event loop together. */
  readonly turns: SerialQueue
  readonly log: Log
  /** Milliseconds after which a receiver that reads nothing is disconnected. */
  readonly drainTimeout?: number
  /** Waits until another delta may follow one that was sent at a time; tests replace it. Ends early with the stream. */
  readonly pause?: ((sentAt: number, ended: AbortSignal) => Promise<void>) | undefined
}

/**
 * Milliseconds from a delta to the next. A single change is sent at once; of a hundred changes a second, a receiver
 * verifies, compiles and stores a few together.
 */
const spacing = 30

async function pauseStream(sentAt: number, signal: AbortSignal): Promise<void> {
  const left = sentAt + spacing - performance.now()
  // Only an abort rejects.
  if (left > 0) await sleep(left, undefined, { signal }).catch(() => undefined)
}

/**
 * Sends the delta from the receiver's snapshot to the current one, then from there to each later one. Everything that
 * is published while the receiver does not read becomes one delta, which is rendered when the receiver reads again.
 */
export async function streamSnapshots(
  response: ServerResponse,
  {
    from,
    current,
    onPublish,
    node: { node, worker },
    turns,
    log,
    drainTimeout = 60_000,
    pause = pauseStream,
  }: StreamOptions,
): Promise<void> {
  const closed = new AbortController()
  let published = Promise.withResolvers<void>()
  const unsubscribe = onPublish(() => published.resolve())
  const keepalive = setInterval(() => {
    if (!response.writableNeedDrain) response.write('\n')
  }, 5_000)
  response.once('close', () => {
    unsubscribe()
    clearInterval(keepalive)
    closed.abort()
    published.resolve()
  })
  const drain = async (): Promise<void> => {
    const timeout = setTimeout(() => {
      log.warn('cluster: node disconnected because it does not read', {
        node,
        worker,
        milliseconds: drainTimeout,
      })
      response.destroy()
    }, drainTimeout)
    // Only an abort rejects.
    await once(response, 'drain', { signal: closed.signal }).catch(() => undefined)
    clearTimeout(timeout)
  }

  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  response.flushHeaders()
  let sent = from
  // A receiver that is up to date gets an empty delta.
  let isFirst = true
  let sentAt = 0
  while (!closed.signal.aborted) {
    published = Promise.withResolvers()
    if (!isFirst && isVersion(sent, current().seal)) {
      await published.promise
      continue
    }
    if (!isFirst) await pause(sentAt, closed.signal)
    const { snapshot, seal } = current()
    for (const part of renderDelta(sent, { snapshot, seal }, textOf)) {
      if (!response.write(part)) {
        await drain()
        await turns.run(yieldToEventLoop)
      }
      if (closed.signal.aborted) return
    }
    sent = { revision: seal.revision, root: seal.root, snapshot }
    sentAt = performance.now()
    isFirst = false
  }
}

const isVersion = (known: KnownState | undefined, { root, revision }: Seal): boolean =>
  known?.root === root && known.revision === revision

/** Streams that begin together, and all streams after a change, send the same items. */
const textOf = memoizeBriefly<object, string>(canonicalText, 10_000)
