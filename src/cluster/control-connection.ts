import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import { limitLog } from '../lib/limit-log.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Enrolment, Heartbeat, Orders } from '../schema/node-protocol.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'
import { openControlClient, type ControlClient } from './control-client.ts'

/** A node's connection to the control plane, which is opened again whenever it breaks. */
export type ControlConnection = {
  /** Connects to the control plane at `url`, in place of the one before. */
  connect(url: string, enrolment: Enrolment): void
  /** Rejects while the control plane is unreachable. */
  sendBatch(this: void, batch: string, lines: Buffer): Promise<void>
  /** Sends a heartbeat soon, because the state has changed. */
  report(this: void): void
  close(): Promise<void>
}

/** Milliseconds in which several calls of `report` make one heartbeat. */
const reportDelay = 100

/** What a connection is opened with. */
export type ConnectionOptions = {
  readonly onSnapshot: (
    this: void,
    received: { readonly sealed: SealedSnapshot; readonly publicKey: string },
  ) => void
  /** Called whenever an attempt to receive snapshots has failed. */
  readonly onUnreachable: () => void
  /** The state that heartbeats report. */
  readonly state: () => Heartbeat
  /** Takes the answer to a heartbeat. */
  readonly onOrders: (orders: Orders) => void
  readonly log: Log
  /** Milliseconds between heartbeats. */
  readonly heartbeatInterval?: number
}

/** Opens a connection that knows no control plane yet. */
export function openControlConnection({
  onSnapshot,
  onUnreachable,
  state,
  onOrders,
  log,
  heartbeatInterval = 5_000,
}: ConnectionOptions): ControlConnection {
  const ended = new AbortController()
  const { signal } = ended
  // It is tried again every second or two.
  const outages = limitLog(log, { burst: 1, interval: 60_000 })
  const known = Promise.withResolvers<void>()
  let url = ''
  let client: ControlClient | undefined

  const follow = async (): Promise<void> => {
    const backoff = openBackoff(100, 2_000)
    await Promise.race([known.promise, once(signal, 'abort')])
    while (!signal.aborted) {
      await client
        ?.receiveSnapshots((sealed, publicKey) => {
          backoff.reset()
          onSnapshot({ sealed, publicKey })
        })
        .catch((error: unknown) => {
          if (signal.aborted) return
          outages.warn('cluster: control plane unreachable', { url, error })
          onUnreachable()
        })
      // Only an abort rejects, and the loop ends by it.
      await sleep(backoff.next(), undefined, { signal }).catch(() => undefined)
    }
  }
  const sendHeartbeat = async (): Promise<void> => {
    try {
      const orders = await client?.sendHeartbeat(state())
      if (orders !== undefined) onOrders(orders)
    } catch (error) {
      if (!signal.aborted) outages.warn('cluster: heartbeat failed', { url, error })
    }
  }

  let reporting: NodeJS.Timeout | undefined

  void follow()
  const heartbeats = setInterval(() => void sendHeartbeat(), heartbeatInterval)

  return {
    connect(address, enrolment) {
      void client?.close()
      url = address
      client = openControlClient(address, enrolment)
      known.resolve()
    },
    async sendBatch(batch, lines) {
      if (client === undefined)
        throw new Problem('control.unknown', 503, 'The address of the control plane is not known')
      await client.sendBatch(batch, lines)
    },
    report() {
      reporting ??= setTimeout(() => {
        reporting = undefined
        void sendHeartbeat()
      }, reportDelay)
    },
    async close() {
      ended.abort()
      clearTimeout(reporting)
      clearInterval(heartbeats)
      await client?.close()
    },
  }
}
