import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import { Problem } from '../lib/problem.ts'
import {
  enrolled,
  nodePaths,
  type Enrolled,
  type Enrolment,
  orders,
  type Heartbeat,
  type Orders,
} from '../schema/node-protocol.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'

/** A node's client of the node protocol. Every call rejects while the control plane is unreachable; callers retry. */
export type ControlClient = {
  /** Enrols, then calls back with every sealed snapshot, the current one first; rejects when the stream ends or is silent for 15 seconds. */
  receiveSnapshots(onSealed: (sealed: SealedSnapshot, publicKey: string) => void): Promise<never>
  sendBatch(this: void, batch: string, lines: Buffer): Promise<void>
  sendHeartbeat(state: Heartbeat): Promise<Orders>
  close(): Promise<void>
}

/** Opens a client of the control plane at `url`. */
export function openControlClient(url: string, enrolment: Enrolment): ControlClient {
  const dispatcher = new Agent({
    connect: { timeout: 5_000 },
    bodyTimeout: 15_000,
    headersTimeout: 60_000,
  })
  let known: Promise<Enrolled> | undefined

  const enrol = async (): Promise<Enrolled> => {
    const response = await request(url + nodePaths.enrol, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(enrolment),
      dispatcher,
    })
    return enrolled.parse(JSON.parse(await readText(response)))
  }
  const identity = (): Promise<Enrolled> => {
    known ??= enrol().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
  const call = async (method: 'GET' | 'PUT' | 'POST', path: string, body?: Buffer | string) => {
    const { token } = await identity()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await request(url + path, { method, headers, body: body ?? null, dispatcher })
    if (response.statusCode === 401) known = undefined
    return response
  }

  return {
    async receiveSnapshots(onSealed) {
      const response = await call('GET', nodePaths.snapshots)
      if (response.statusCode !== 200) await readText(response)
      const { publicKey } = await identity()
      for await (const line of createInterface({
        input: response.body as unknown as Readable,
        crlfDelay: Infinity,
      })) {
        if (line !== '') onSealed(JSON.parse(line) as SealedSnapshot, publicKey)
      }
      throw new Problem('control.ended', 503, 'The control plane ended the snapshot stream')
    },
    async sendBatch(batch, lines) {
      await readText(await call('PUT', `${nodePaths.batches}/${encodeURIComponent(batch)}`, lines))
    },
    async sendHeartbeat(state) {
      const text = await readText(await call('POST', nodePaths.heartbeat, JSON.stringify(state)))
      return text === '' ? { targets: [] } : orders.parse(JSON.parse(text))
    },
    close: () => dispatcher.destroy(),
  }
}

async function readText(response: Awaited<ReturnType<typeof request>>): Promise<string> {
  const text = await response.body.text()
  if (response.statusCode < 300) return text
  throw new Problem('control.refused', response.statusCode, text)
}
