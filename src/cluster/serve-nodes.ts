import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { timingSafeEqual, createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { z } from 'zod'
import type { Log } from '../lib/log.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import {
  completeHeader,
  encodingsHeader,
  enrolment,
  heartbeat,
  nextBatchHeader,
  nodePaths,
  repeatedHeader,
  unrecordedReport,
  type Enrolled,
  type Heartbeat,
  type Orders,
  type UnrecordedReport,
} from '../schema/node-protocol.ts'
import { snapshotVersion } from '../schema/snapshot-message.ts'
import type { KnownState, SealedState } from '../snapshot/render-delta.ts'
import { makeNodeToken, readNodeToken, type NodeClaims } from './node-token.ts'
import { openPublications, type Publications } from './publications.ts'
import { streamSnapshots, type StreamOptions } from './stream-snapshots.ts'

export type NodeServerOptions = {
  readonly joinSecret: string
  readonly publicKey: string
  readonly current: () => SealedState
  readonly onPublish: StreamOptions['onPublish']
  readonly receiveBatch: ReceiveBatch
  /** Resolves once a batch of an older node, in JSON Lines, is in the warehouse. */
  readonly receiveLines: (batch: string, lines: Buffer) => Promise<void>
  /** Resolves once the counts are in the warehouse. */
  readonly receiveUnrecorded: (report: UnrecordedReport, node: NodeClaims) => Promise<void>
  /** Returns the orders for the worker. */
  readonly onHeartbeat: (node: NodeClaims, state: Heartbeat) => Orders
  readonly log: Log
  readonly drainTimeout?: number
  readonly pause?: StreamOptions['pause']
}

/** Resolves once the batch is stored, to the milliseconds that the node waits before the next one. */
export type ReceiveBatch = (
  batch: string,
  content: Buffer,
  isRepeated: boolean,
  node: NodeClaims,
  completeUntil?: number,
) => Promise<number>

const maxBatchBytes = 16 * 1024 * 1024
/** Anyone may send an enrolment, only nodes send heartbeats. */
const maxEnrolmentBytes = 65_536
const maxHeartbeatBytes = 4 * 1024 * 1024

/** Makes a server of the node protocol; the caller lets it listen. */
export function serveNodes(serving: NodeServerOptions): Server {
  const publications = openPublications()
  const state = { publications, turns: openSerialQueue() }
  publications.add(serving.current())
  const unsubscribe = serving.onPublish(() => publications.add(serving.current()))
  const server = createServer((request, response) => {
    answer(serving, state, request, response).catch((error: unknown) => {
      const { status, code, message, cause } = toProblem(error)
      if (status >= 500)
        serving.log.error('cluster: node request failed', {
          method: request.method,
          path: request.url,
          code,
          error: cause ?? error,
        })
      if (!response.headersSent) response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ code, message }))
      request.resume()
    })
  })
  return server.once('close', unsubscribe)
}

/** Shared by all streams of snapshots. */
type StreamState = Pick<StreamOptions, 'turns'> & { readonly publications: Publications }

async function answer(
  serving: NodeServerOptions,
  { publications, turns }: StreamState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url = '' } = request
  const [path = '', query] = url.split('?', 2)
  const [collection = path, item = ''] = splitBatchPath(path)
  const call = `${method} ${collection}`
  if (call === `POST ${nodePaths.enrol}`) return enrol(serving, request, response)
  const node = authenticate(serving, request)
  switch (call) {
    case `GET ${nodePaths.snapshots}`:
      return streamSnapshots(response, {
        ...serving,
        node,
        turns,
        from: findKnown(publications, new URLSearchParams(query)),
      })
    case `PUT ${nodePaths.batches}`:
      return takeBatch(serving, { batch: item, node }, request, response)
    case `PUT ${nodePaths.lineBatches}`:
      await serving.receiveLines(item, await readBody(request, maxBatchBytes))
      return void response.writeHead(204).end()
    case `POST ${nodePaths.unrecorded}`:
      await serving.receiveUnrecorded(
        await readJson(request, unrecordedReport, maxHeartbeatBytes),
        node,
      )
      return void response.writeHead(204).end()
    case `POST ${nodePaths.heartbeat}`:
      return sendJson(
        response,
        serving.onHeartbeat(node, await readJson(request, heartbeat, maxHeartbeatBytes)),
      )
    default:
      throw new Problem('node.path', 404, `The node protocol has no ${call}`)
  }
}

async function takeBatch(
  { receiveBatch }: NodeServerOptions,
  { batch, node }: { readonly batch: string; readonly node: NodeClaims },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const content = await decode(request, await readBody(request, maxBatchBytes))
  const isRepeated = request.headers[repeatedHeader] !== undefined
  const time = Number(request.headers[completeHeader] ?? NaN)
  const completeUntil = Number.isFinite(time) ? time : undefined
  const next = await receiveBatch(batch, content, isRepeated, node, completeUntil)
  const headers = { [nextBatchHeader]: String(next), [encodingsHeader]: 'zstd,gzip' }
  response.writeHead(204, headers).end()
}

/** The collection and the id of a path of batches. */
function splitBatchPath(path: string): readonly string[] {
  const collection = [nodePaths.batches, nodePaths.lineBatches].find((one) =>
    path.startsWith(`${one}/`),
  )
  if (collection === undefined) return []
  return [collection, decodeURIComponent(path.slice(collection.length + 1))]
}

async function enrol(
  { joinSecret, publicKey }: NodeServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { secret, node, worker, zone, environment } = await readJson(
    request,
    enrolment,
    maxEnrolmentBytes,
  )
  if (!equalSecrets(secret, joinSecret))
    throw new Problem('node.secret', 403, 'The join token is not valid for this control plane')
  const enrolled: Enrolled = {
    token: makeNodeToken({ node, worker, zone, environment }, joinSecret),
    publicKey,
  }
  sendJson(response, enrolled)
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}

function authenticate({ joinSecret }: NodeServerOptions, request: IncomingMessage): NodeClaims {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const claims = readNodeToken(token, joinSecret)
  if (claims === undefined)
    throw new Problem('node.token', 401, 'The node token is not valid; enrol again')
  return claims
}

/** The snapshot that a node reports as its own; undefined when it has none, or one that is no longer kept. */
function findKnown(publications: Publications, query: URLSearchParams): KnownState | undefined {
  const { data } = snapshotVersion.safeParse({
    revision: Number(query.get('revision') ?? NaN),
    root: query.get('root'),
  })
  const known = data && publications.find(data.root)
  return known && { ...known, ...data }
}

async function readJson<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  maxBytes: number,
): Promise<T> {
  const text = (await readBody(request, maxBytes)).toString()
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) throw new Problem('node.message', 400, parsed.error.message)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The schema refuses it.
    return undefined
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const decoders = { zstd: promisify(zstdDecompress), gzip: promisify(gunzip) }

/** The content of a batch, never larger than one may be. */
async function decode(request: IncomingMessage, content: Buffer): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return content
  if (encoding !== 'zstd' && encoding !== 'gzip')
    throw new Problem('node.encoding', 415, 'The Content-Encoding of a batch must be zstd or gzip')
  try {
    return await decoders[encoding](content, { maxOutputLength: maxBatchBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(maxBatchBytes)
    throw new Problem('node.damaged', 422, 'The batch cannot be decoded', { cause: error })
  }
}

const tooLarge = (maxBytes: number): Problem =>
  new Problem('node.too_large', 413, `The body is larger than ${maxBytes} bytes`)

function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
