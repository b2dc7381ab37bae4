import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackoff } from '../lib/backoff.ts'
import { limitLog } from '../lib/limit-log.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Enrolment, Heartbeat, Orders } from '../schema/node-protocol.ts'
import type { SealedState } from '../snapshot/render-delta.ts'
import {
  openControlClient,
  SnapshotRefusal,
  type ControlClient,
  type VerifiedSnapshot,
} from './control-client.ts'

/** A node's connection to the control plane, which is opened again whenever it breaks. */
export type ControlConnection = {
  /** Connects to the control plane at `url`, in place of the previous one. */
  connect(url: string, enrolment: Enrolment): void
  /** Rejects while the control plane is unreachable. */
  sendBatch: ControlClient['sendBatch']
  /** Rejects while the control plane is unreachable. */
  sendCounts: ControlClient['sendCounts']
  /** Sends a heartbeat soon, because the state has changed. */
  report(this: void): void
  /** Why the last snapshot was refused, in the terms of a heartbeat; undefined once one was accepted after it. */
  rejection(this: void): Pick<Heartbeat, 'refusedRevision' | 'refusal'> | undefined
  close(): Promise<void>
}

/** Milliseconds in which several calls of `report` make one heartbeat. */
const reportDelay = 100

export type ConnectionOptions = {
  /** Resolves to the snapshot that the worker has from its disk. */
  readonly base?: Promise<SealedState | undefined>
  readonly onSnapshot: (this: void, verified: VerifiedSnapshot) => void
  /** Called whenever an attempt to receive snapshots has failed. */
  readonly onUnreachable: () => void
  /** The state that heartbeats report. */
  readonly state: () => Heartbeat
  /** Called with the answer to a heartbeat. */
  readonly onOrders: (orders: Orders) => void
  readonly log: Log
  /** Whether the control plane runs on another machine. */
  readonly isRemote?: boolean
  /** Milliseconds between heartbeats. */
  readonly heartbeatInterval?: number
  /** Milliseconds before everything is requested again after a refusal; they double up to sixty times as many. */
  readonly refusalDelay?: number
}

/** Opens a connection without an address of a control plane. */
export function openControlConnection({
  base: restored,
  onSnapshot,
  onUnreachable,
  state,
  onOrders,
  log,
  isRemote = false,
  heartbeatInterval = 5_000,
  refusalDelay = 1_000,
}: ConnectionOptions): ControlConnection {
  const ended = new AbortController()
  const { signal } = ended
  // It is tried again every second or two.
  const outages = limitLog(log, { burst: 1, interval: 60_000 })
  const known = Promise.withResolvers<void>()
  let url = ''
  let client: ControlClient | undefined

  let rejection: ReturnType<ControlConnection['rejection']>

  const follow = async (): Promise<void> => {
    const backoff = openBackoff(100, 2_000)
    // A complete snapshot is requested after a rejection, which is expensive for both sides.
    const refusalBackoff = openBackoff(refusalDelay, 60 * refusalDelay)
    await Promise.race([known.promise, once(signal, 'abort')])
    let base = await restored
    while (!signal.aborted) {
      let delay = 0
      const request = { base, wantsAll: rejection !== undefined }
      await client
        ?.receiveSnapshots(request, (verified) => {
          backoff.reset()
          refusalBackoff.reset()
          rejection = undefined
          base = verified
          onSnapshot(verified)
        })
        .catch((error: unknown) => {
          if (signal.aborted) return
          if (error instanceof SnapshotRefusal) {
            const revision = error.revision ?? base?.seal.revision ?? 0
            rejection = { refusedRevision: revision, refusal: `receive: ${error.message}` }
            delay = refusalBackoff.next()
            log.error('cluster: snapshot rejected, requesting a complete one', { url, error })
          } else {
            outages.warn('cluster: control plane unreachable', { url, error })
          }
          onUnreachable()
        })
      // Only an abort rejects, and the loop ends by it.
      await sleep(Math.max(delay, backoff.next()), undefined, { signal }).catch(() => undefined)
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
      client = openControlClient(address, enrolment, isRemote)
      known.resolve()
    },
    async sendBatch(batch) {
      if (client === undefined) throw unknownAddress()
      return client.sendBatch(batch)
    },
    async sendCounts(report) {
      if (client === undefined) throw unknownAddress()
      return client.sendCounts(report)
    },
    report() {
      reporting ??= setTimeout(() => {
        reporting = undefined
        void sendHeartbeat()
      }, reportDelay)
    },
    rejection: () => rejection,
    async close() {
      ended.abort()
      clearTimeout(reporting)
      clearInterval(heartbeats)
      await client?.close()
    },
  }
}

const unknownAddress = (): Problem =>
  new Problem('control.unknown', 503, 'The address of the control plane is not known')
