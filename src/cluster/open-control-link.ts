import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Enrolment, Heartbeat, Orders } from '../schema/node-protocol.ts'
import { joinControl, type ControlLine } from './join-control.ts'
import type { Received } from './receive-snapshot.ts'

/** A node's lasting link to whichever control plane there is: it joins again whenever the line breaks. */
export type ControlLink = {
  /** Joins the control plane at `url` from now on. */
  joinAt(url: string, enrolment: Enrolment): void
  /** Rejects while the control plane is away. */
  sendBatch(this: void, batch: string, lines: Buffer): Promise<void>
  close(): Promise<void>
}

/** What a link is opened with. */
export type LinkOptions = {
  readonly onSnapshot: (received: Received) => void
  /** The state that heartbeats report. */
  readonly state: () => Heartbeat
  /** Does what the control plane asks for in answer to a heartbeat. */
  readonly applyOrders: (orders: Orders) => void
  readonly log: Log
}

/** Opens a link that knows no control plane yet. */
export function openControlLink({ onSnapshot, state, applyOrders, log }: LinkOptions): ControlLink {
  const ended = new AbortController()
  const { signal } = ended
  const known = Promise.withResolvers<void>()
  let line: ControlLine | undefined

  const follow = async (): Promise<void> => {
    const backoff = openBackoff(100, 2_000)
    await Promise.race([known.promise, once(signal, 'abort')])
    while (!signal.aborted) {
      await line
        ?.receiveSnapshots((sealed, publicKey) => {
          backoff.reset()
          onSnapshot({ sealed, publicKey })
        })
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn('the control plane is away', { error: String(error) })
        })
      await sleep(backoff.next(), undefined, { signal }).catch(() => undefined)
    }
  }

  void follow()
  const heartbeats = setInterval(
    () =>
      void line
        ?.sendHeartbeat(state())
        .then(applyOrders)
        .catch(() => undefined),
    5_000,
  )

  return {
    joinAt(url, enrolment) {
      void line?.close()
      line = joinControl(url, enrolment)
      known.resolve()
    },
    async sendBatch(batch, lines) {
      if (line === undefined)
        throw new Problem('control.unknown', 503, 'the control plane is not known yet')
      await line.sendBatch(batch, lines)
    },
    async close() {
      ended.abort()
      clearInterval(heartbeats)
      await line?.close()
    },
  }
}
