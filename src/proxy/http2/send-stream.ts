import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { Problem } from '../../lib/problem.ts'
import {
  AttemptFailure,
  type Answer,
  type BodySink,
  type UpstreamRequest,
} from '../walk/ask-upstream.ts'
import type { HeaderList } from '../header-list.ts'
import { tryFailure } from '../http1/upstream-failure.ts'
import { incomingFields, outgoingFields } from './fields.ts'

/** Sends a try as one stream of a session; `onClosed` hears of its end. Resolves with the head of the answer. */
export function sendStream(
  session: ClientHttp2Session,
  attempt: UpstreamRequest,
  onClosed: () => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream
    try {
      stream = session.request(fieldsOf(attempt), {
        endStream: !attempt.body.present,
        waitForTrailers: attempt.body.present,
      })
    } catch (error) {
      onClosed()
      return reject(tryFailure(error, 'connect'))
    }
    const reading = openReading(stream, attempt)
    stream.on('close', () => {
      onClosed()
      if (reading.failure !== undefined) reject(reading.failure)
      else reject(tryFailure(new Error('the stream was closed before its answer'), stageOf(stream)))
    })
    stream.once('response', (head, flags, raw) => {
      const isEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      resolve({
        status: Number(head[':status'] ?? 502),
        headers: incomingFields(raw),
        body: isEnded ? undefined : reading.body,
      })
    })
    if (attempt.body.present) upload(stream, attempt, reading.giveUp)
    attempt.onStart(reading.giveUp)
  })
}

/** A stream that the target refused was not processed (RFC 9113 section 8.7); whatever else happened, it may have been. */
const stageOf = (stream: ClientHttp2Stream): 'connect' | 'sent' =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'connect' : 'sent'

function fieldsOf({ tls, method, path, host, headers }: UpstreamRequest) {
  return outgoingFields(headers, {
    ':method': method,
    ':scheme': tls === undefined ? 'http' : 'https',
    ':authority': host,
    ':path': path,
    te: 'trailers',
  })
}

function upload(
  stream: ClientHttp2Stream,
  { body }: UpstreamRequest,
  giveUp: (reason: Problem) => void,
): void {
  const source = body.open() as Readable
  stream.on('wantTrailers', () =>
    stream.sendTrailers(body.trailers === undefined ? {} : outgoingFields(body.trailers)),
  )
  source.on('error', (error) => giveUp(tryFailure(error, 'sent').problem))
  stream.on('close', () => source.unpipe(stream))
  source.pipe(stream)
}

/** The answer's side of a stream: gives up when nothing moves for too long, and passes the body on as fast as it is taken. */
function openReading(stream: ClientHttp2Stream, { timeouts }: UpstreamRequest) {
  let sink: BodySink | undefined
  let trailers: HeaderList | undefined
  let failure: AttemptFailure | undefined
  let isEnded = false
  let isPaused = false

  const giveUp = (reason: Problem): void => {
    failure ??= new AttemptFailure('sent', reason)
    stream.close(constants.NGHTTP2_CANCEL)
  }
  const finish = (): void => {
    if (isEnded && failure === undefined) sink?.end(trailers)
    else if (stream.closed || stream.destroyed) {
      sink?.fail(failure?.problem ?? tryFailure(new Error('the stream broke off'), 'sent').problem)
    }
  }
  const stalled = Object.assign(new Error('nothing moved'), { code: 'ETIMEDOUT' })
  stream.setTimeout(timeouts.read, () => {
    if (!isPaused) giveUp(tryFailure(stalled, 'sent').problem)
  })
  stream.on('error', (error) => (failure ??= tryFailure(error, stageOf(stream))))
  stream.on('trailers', (_headers, _flags, raw) => {
    trailers = incomingFields(raw)
  })
  stream.on('end', () => {
    isEnded = stream.rstCode === constants.NGHTTP2_NO_ERROR
    if (isEnded) finish()
  })
  stream.on('close', () => {
    if (!isEnded) finish()
  })
  return {
    get failure() {
      return failure
    },
    giveUp,
    body: {
      read(reader: BodySink) {
        sink = reader
        if (isEnded || stream.destroyed) return finish()
        stream.on('data', (chunk: Buffer) => reader.part(chunk))
      },
      pause() {
        isPaused = true
        stream.pause()
      },
      resume() {
        isPaused = false
        stream.resume()
      },
      drop() {
        sink = undefined
        stream.close(constants.NGHTTP2_CANCEL)
        stream.resume()
      },
    },
  }
}
