import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { IncomingMessage } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { runSliced, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import {
  completeHeader,
  encodingsHeader,
  enrolled,
  nextBatchHeader,
  nodePaths,
  repeatedHeader,
  type Enrolled,
  type Enrolment,
  orders,
  type Heartbeat,
  type Orders,
  type UnrecordedReport,
} from '../schema/node-protocol.ts'
import { openSnapshotReader, type SnapshotReader } from '../snapshot/read-delta.ts'
import type { SealedState } from '../snapshot/render-delta.ts'
import { verifyRootSteps } from '../snapshot/seal-snapshot.ts'
import { openControlRequests, type ControlRequest } from './control-requests.ts'
import { readLines } from './read-lines.ts'

/** A snapshot whose seal was verified with this key. */
export type VerifiedSnapshot = SealedState & { readonly publicKey: string }

/** A request for the differences from a base snapshot, or for a whole snapshot. */
export type SnapshotRequest = {
  readonly base: SealedState | undefined
  /** Items of `base` are reused nevertheless. */
  readonly wantsAll: boolean
}

/** A node's client of the node protocol. Every call rejects while the control plane is unreachable; callers retry. */
export type ControlClient = {
  /**
   * Enrols, then calls back with the current snapshot and with every later one. Rejects when the stream ends or is
   * silent for 15 seconds, and with a SnapshotRefusal when it sends an invalid snapshot.
   */
  receiveSnapshots(
    request: SnapshotRequest,
    onVerified: (verified: VerifiedSnapshot) => void,
  ): Promise<never>
  /** Resolves to the milliseconds that the control plane requests before the next batch, if any. */
  sendBatch(this: void, batch: BatchToSend): Promise<number | undefined>
  /** Resolves once the counts are in the warehouse. */
  sendCounts(this: void, report: UnrecordedReport): Promise<void>
  sendHeartbeat(state: Heartbeat): Promise<Orders>
  close(): Promise<void>
}

/** Events on their way to the control plane; `lines` are JSON Lines, from a gateway before segments. */
export type BatchToSend = {
  readonly batch: string
  readonly form: 'segment' | 'lines'
  readonly content: Buffer
  /** It may have arrived before. */
  readonly isRepeated: boolean
  /** Milliseconds since the epoch before which the worker has nothing more to send. */
  readonly completeUntil?: number | undefined
}

/** The control plane sent a snapshot that cannot be used, or is not the one that was sealed. */
export class SnapshotRefusal extends Error {
  /** Of the last snapshot on the stream. */
  readonly revision: number | undefined

  constructor(revision: number | undefined, cause: Problem) {
    super(cause.message, { cause })
    this.revision = revision
  }
}

/** Larger items are rejected. */
const maxLineBytes = 64 * 1024 * 1024

/** Opens a client of the control plane at `url`. Batches to one of another machine are compressed if it can decode them. */
export function openControlClient(
  url: string,
  enrolment: Enrolment,
  isRemote = false,
): ControlClient {
  const requests = openControlRequests(url)
  let known: Promise<Enrolled> | undefined
  let mayCompress = false

  const enrol = async (): Promise<Enrolled> => {
    const response = await requests.send({
      method: 'POST',
      path: nodePaths.enrol,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(enrolment),
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
  const call = async (
    method: ControlRequest['method'],
    path: string,
    body?: Buffer | string,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const { token } = await identity()
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...more,
    }
    const response = await requests.send({ method, path, headers, body })
    if (response.statusCode === 401) known = undefined
    return response
  }

  return {
    async receiveSnapshots({ base, wantsAll }, onVerified) {
      const response = await call('GET', nodePaths.snapshots + (wantsAll ? '' : queryOf(base)))
      if (response.statusCode !== 200) await readText(response)
      const { publicKey } = await identity()
      const reader = openSnapshotReader(base)
      let revision: number | undefined
      const verify = function* (received: SealedState): CooperativeTask<void> {
        const newest = revision ?? 0
        revision = received.seal.revision
        // An older snapshot has a valid seal too.
        if (revision < newest)
          throw new Problem(
            'control.repeated',
            502,
            `Revision ${revision} was sent after revision ${newest}`,
          )
        yield* verifyRootSteps(received.snapshot, received.seal, publicKey)
        onVerified({ ...received, publicKey })
      }
      try {
        for await (const lines of readLines(response, maxLineBytes)) {
          await runSliced(readSteps(reader, lines, verify))
        }
      } catch (error) {
        throw error instanceof Problem ? new SnapshotRefusal(revision, error) : error
      }
      throw new Problem('control.ended', 503, 'The control plane ended the snapshot stream')
    },
    async sendBatch({ batch, form, content, isRepeated, completeUntil }) {
      const path = form === 'segment' ? nodePaths.batches : nodePaths.lineBatches
      const headers = {
        ...(isRepeated && { [repeatedHeader]: 'true' }),
        ...(completeUntil !== undefined && { [completeHeader]: String(completeUntil) }),
        ...(mayCompress && { 'content-encoding': 'zstd' }),
      }
      const body = mayCompress ? await compress(content, fastest) : content
      const response = await call('PUT', `${path}/${encodeURIComponent(batch)}`, body, headers)
      await readText(response)
      const encodings = String(response.headers[encodingsHeader] ?? '')
      mayCompress = isRemote && encodings.split(',').includes('zstd')
      const next = Number(response.headers[nextBatchHeader] ?? NaN)
      return next > 0 ? next : undefined
    },
    async sendCounts(report) {
      await readText(await call('POST', nodePaths.unrecorded, JSON.stringify(report)))
    },
    async sendHeartbeat(state) {
      const text = await readText(await call('POST', nodePaths.heartbeat, JSON.stringify(state)))
      return text === '' ? { targets: [] } : orders.parse(JSON.parse(text))
    },
    close: async () => requests.close(),
  }
}

const compress = promisify(zstdCompress)
/** Higher levels gain little on segments. */
const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

async function readText(response: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = response
  const text = await textOf(response)
  if (statusCode < 300) return text
  throw new Problem('control.refused', statusCode, text)
}

function queryOf(base: SealedState | undefined): string {
  if (base === undefined) return ''
  const { revision, root } = base.seal
  return `?${new URLSearchParams({ revision: String(revision), root }).toString()}`
}

function* readSteps(
  reader: SnapshotReader,
  lines: readonly string[],
  verify: (received: SealedState) => CooperativeTask<void>,
): CooperativeTask<void> {
  for (const line of lines) {
    // Empty lines keep the stream alive.
    const received = line === '' ? undefined : reader.read(line)
    if (received !== undefined) yield* verify(received)
    yield
  }
}
