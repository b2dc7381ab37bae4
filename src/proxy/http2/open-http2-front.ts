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
import { complaintAbout, malformedField } from './check-head.ts'
import { buildHead } from './fields.ts'
import { guardSession, type SessionGuard, watchStream, type StreamWatch } from './guard-session.ts'
import { watchFields, type FieldWatch } from './hpack/watch-fields.ts'
import { openReply } from './open-reply.ts'
import { openStreamBody } from './stream-body.ts'

const maxStreams = 128
const streamWindow = 262_144
const connectionWindow = 1_048_576
/** Token bucket for stream resets (CVE-2023-44487). */
const resets = { streamResetBurst: 200, streamResetRate: 50 }

const sweepMilliseconds = 250

type Session = {
  readonly facts: ConnectionFacts
  readonly guard: SessionGuard
  readonly fields: FieldWatch
  readonly streams: Set<StreamWatch>
  /** Streams whose body is received, or was. */
  readonly bodies: Map<number, ServerHttp2Stream>
}

/** Serves HTTP/2 (RFC 9113). A stream that the client resets is a client that left. */
export function openHttp2Front(events: FrontEvents, limits: FrontLimits): Front {
  const sessions = new Map<ServerHttp2Session, Session>()
  const onStream = openStreams(events, limits)
  let isDraining = false
  const sweeping = setInterval(
    () => {
      const now = performance.now()
      for (const [session, { facts, guard, streams }] of sessions) {
        try {
          guard.sweep()
          for (const watch of streams) watch(now)
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
      let guard: SessionGuard | undefined
      const bodies: Session['bodies'] = new Map()
      const onMalformed = (stream: number): void => {
        guard?.reset()
        // Its head came before, so that these are trailers.
        bodies.get(stream)?.close(constants.NGHTTP2_PROTOCOL_ERROR)
      }
      const fields = watchFields(socket, first, onMalformed, (error) =>
        events.onFault(error, facts.clientAddress),
      )
      const session = performServerHandshake(fields.stream, {
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
      guard = guardSession(session, socket)
      const known: Session = { facts, guard, fields, bodies, streams: new Set() }
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
        if (known.streams.size > 0) session.close()
        else session.destroy()
      })
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
      for (const session of sessions.keys()) session.destroy(undefined, constants.NGHTTP2_CANCEL)
      clearInterval(sweeping)
    },
  }
}

function openStreams(events: FrontEvents, limits: FrontLimits) {
  const begin = (stream: ServerHttp2Stream, session: Session, raw: string[]): void => {
    const { facts, guard, fields, bodies, streams } = session
    const id = stream.id ?? 0
    const onFault = (error: unknown): void => events.onFault(error, facts.clientAddress)
    const size = raw.reduce((sum, text) => sum + text.length, 0)
    guard.requested(size)
    const complaint = fields.isMalformed(id)
      ? malformedField()
      : complaintAbout(raw, size, limits.headBytes)
    if (complaint !== undefined) {
      stream.resume()
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
    if (body !== undefined) bodies.set(id, stream)
    const watch = watchStream(stream, body, limits)
    streams.add(watch)
    let leave = (): void => undefined
    stream.on('close', () => {
      streams.delete(watch)
      bodies.delete(id)
      const isWhole = stream.writableFinished && !stream.aborted
      if (isWhole) return guard.answered()
      guard.reset()
      // Node emits no `aborted` for a stream that it resets itself, for example for a protocol error.
      body?.fail(clientClosed())
      leave()
    })
    leave = events.onRequest(head, body ?? absentBody, openReply(stream, onFault))
  }
  return (stream: ServerHttp2Stream, session: Session, raw: string[]): void => {
    // A reset by the client; its exchange is recorded as left by the client.
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
