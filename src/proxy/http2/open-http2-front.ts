import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientClosed } from '../exchange.ts'
import type { FrontLimits } from '../limits.ts'
import type { FrontEvents } from '../front/front-events.ts'
import type { Front } from '../http1/open-front.ts'
import { absentBody } from '../http1/request-body.ts'
import { readConnection, type ConnectionFacts } from '../tls/read-connection.ts'
import { headError, malformedField } from './check-head.ts'
import { buildHead } from './fields.ts'
import { guardSession, type SessionGuard, watchStream, type StreamWatch } from './guard-session.ts'
import type { FrameFindings } from './frames/inspect-frames.ts'
import { InspectedSocket } from './frames/inspected-socket.ts'
import { openReply } from './open-reply.ts'
import { openStreamBody } from './stream-body.ts'

const maxStreams = 128
const streamWindow = 262_144
const connectionWindow = 1_048_576
/** Token bucket for stream resets (CVE-2023-44487). */
const resets = { streamResetBurst: 200, streamResetRate: 50 }

const sweepMilliseconds = 250

/** Streams with faults that may wait for the session to open them. */
const maxFaults = 1_024

type Session = {
  readonly facts: ConnectionFacts
  readonly guard: SessionGuard
  readonly watches: Set<StreamWatch>
  readonly streams: Map<number, ServerHttp2Stream>
  /** Faults of streams that the session has not opened yet. */
  readonly faults: Map<number, Fault>
}

/** A malformed header block is answered; otherwise the code of a stream error. */
type Fault = 'malformed' | number

/** Serves HTTP/2 (RFC 9113). A stream that the client resets counts as a disconnect. */
export function openHttp2Front(events: FrontEvents, limits: FrontLimits): Front {
  const sessions = new Map<ServerHttp2Session, Session>()
  const onStream = openStreams(events, limits)
  let isDraining = false
  const sweeping = setInterval(
    () => {
      const now = performance.now()
      for (const [session, { facts, guard, watches }] of sessions) {
        try {
          guard.sweep()
          for (const watch of watches) watch(now)
        } catch (error) {
          events.onFault(error, facts.clientAddress)
          session.destroy()
        }
      }
    },
    Math.min(sweepMilliseconds, limits.bodyMilliseconds),
  )
  sweeping.unref()

  return {
    accept(socket, first, origin) {
      const facts = readConnection(socket, origin)
      const inspected = new InspectedSocket(socket)
      const session = performServerHandshake(inspected, {
        settings: {
          maxConcurrentStreams: maxStreams,
          initialWindowSize: streamWindow,
          maxHeaderListSize: limits.headBytes,
          enablePush: false,
        },
        maxHeaderListPairs: 128,
        strictSingleValueFields: false,
        ...resets,
      })
      const known: Session = {
        facts,
        guard: guardSession(session, socket),
        watches: new Set(),
        streams: new Map(),
        faults: new Map(),
      }
      sessions.set(session, known)
      session.setLocalWindowSize(connectionWindow)
      session.on('stream', (stream, _headers, _flags, raw) =>
        onStream(stream as ServerHttp2Stream, known, raw),
      )
      session.on('error', (error) => {
        events.onClientError(error, known.facts.clientAddress)
        session.destroy()
      })
      session.on('close', () => sessions.delete(session))
      session.setTimeout(limits.idleMilliseconds, () => {
        if (known.watches.size > 0) session.close()
        else session.destroy()
      })
      inspected.start(first, findFaults(session, known), (error) =>
        events.onFault(error, facts.clientAddress),
      )
      if (isDraining) session.close()
    },
    get connections() {
      return sessions.size
    },
    async drain(milliseconds) {
      isDraining = true
      for (const session of sessions.keys()) session.close()
      const deadline = performance.now() + milliseconds
      while (sessions.size > 0 && performance.now() < deadline) await sleep(20)
      for (const session of sessions.keys()) session.destroy()
      clearInterval(sweeping)
    },
  }
}

/** Ends streams and sessions as RFC 9113 section 5.4 demands. */
function findFaults(
  session: ServerHttp2Session,
  { guard, streams, faults }: Session,
): Omit<FrameFindings, 'sentBytes'> {
  const end = (code: number): void => {
    session.destroy(new Error(`HTTP/2 connection error with code ${code}`), code)
  }
  const keep = (id: number, fault: Fault): void => {
    guard.reset()
    if (faults.size >= maxFaults) end(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    else if (!faults.has(id)) faults.set(id, fault)
  }
  const onStreamError = (id: number, code: number): void => {
    const stream = streams.get(id)
    if (stream === undefined) return keep(id, code)
    guard.reset()
    stream.close(code)
  }
  return {
    // The trailers of a stream that is open, else its head.
    onMalformed(id) {
      if (streams.has(id)) onStreamError(id, constants.NGHTTP2_PROTOCOL_ERROR)
      else keep(id, 'malformed')
    },
    onStreamError,
    onConnectionError: end,
  }
}

function openStreams(events: FrontEvents, limits: FrontLimits) {
  const begin = (stream: ServerHttp2Stream, session: Session, raw: string[]): void => {
    const { facts, guard, watches, streams, faults } = session
    const id = stream.id ?? 0
    const fault = faults.get(id)
    faults.delete(id)
    const onFault = (error: unknown): void => events.onFault(error, facts.clientAddress)
    const size = raw.reduce((sum, text) => sum + text.length, 0)
    guard.requested(size)
    const complaint =
      fault === 'malformed' ? malformedField() : headError(raw, size, limits.headBytes)
    if (complaint !== undefined) {
      stream.resume()
      streams.set(id, stream)
      stream.on('close', () => streams.delete(id))
      return events.onMalformed(complaint, openReply(stream, onFault), facts.clientAddress)
    }
    const head = buildHead(raw, facts)
    const body = stream.endAfterHeaders
      ? undefined
      : openStreamBody(stream, head.headers, {
          limit: limits.bodyBytes,
          gone: clientClosed,
          onPart: guard.received,
        })
    const watch = watchStream(stream, body, limits)
    watches.add(watch)
    streams.set(id, stream)
    let leave = (): void => undefined
    stream.on('close', () => {
      watches.delete(watch)
      streams.delete(id)
      if (isAnswered(stream)) return guard.answered()
      guard.reset()
      // Node emits no `aborted` for a stream that it resets itself, for example for a protocol error.
      body?.fail(clientClosed())
      leave()
    })
    leave = events.onRequest(head, body ?? absentBody, openReply(stream, onFault))
    if (typeof fault === 'number') stream.close(fault)
  }
  return (stream: ServerHttp2Stream, session: Session, raw: string[]): void => {
    // A reset by the client; its exchange is recorded as a client disconnect.
    stream.on('error', () => undefined)
    try {
      begin(stream, session, raw)
    } catch (error) {
      events.onFault(error, session.facts.clientAddress)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      stream.resume()
    }
  }
}

/** Whether all of the response was sent. A response that is sent in one step closes the stream before Node sets `writableFinished`. */
const isAnswered = (stream: ServerHttp2Stream): boolean =>
  !stream.aborted &&
  (stream.writableFinished ||
    (stream.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR))
