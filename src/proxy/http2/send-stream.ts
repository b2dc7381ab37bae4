import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { Readable } from 'node:stream'
import { toProblem, type Problem } from '../../lib/problem.ts'
import { guardHandler } from '../front/guard-handler.ts'
import {
  AttemptFailure,
  type Answer,
  type BodySink,
  type UpstreamRequest,
} from '../walk/ask-upstream.ts'
import type { HeaderList } from '../header-list.ts'
import { toAttemptFailure } from '../http1/upstream-failure.ts'
import { incomingFields, outgoingFields } from './fields.ts'

/** Sends an attempt as a stream; resolves with the response head. `onClosed` is called when the stream closes. */
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
      return reject(toAttemptFailure(error, 'connect'))
    }
    const reading = openReading(stream, attempt)
    stream.on('close', () => {
      onClosed()
      if (reading.failure !== undefined) reject(reading.failure)
      else
        reject(
          toAttemptFailure(new Error('the stream was closed before its answer'), stageOf(stream)),
        )
    })
    const onResponse = (head: IncomingHttpHeaders, flags: number, raw: string[]): void => {
      const isEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      resolve({
        status: Number(head[':status'] ?? 502),
        headers: incomingFields(raw),
        body: isEnded ? undefined : reading.body,
      })
    }
    const onInterim = (head: IncomingHttpHeaders, _flags: number, raw: string[]): void => {
      const status = Number(head[':status'])
      if (status > 101 && status < 200) attempt.onInterim?.(status, incomingFields(raw))
    }
    stream.on('headers', guardHandler(onInterim, reading.fault))
    stream.once('response', guardHandler(onResponse, reading.fault))
    if (attempt.body.present) upload(stream, attempt, reading.giveUp)
    attempt.onStart(reading.giveUp)
  })
}

/** A refused stream was not processed (RFC 9113 section 8.7); after any other error it may have been. */
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
  const sendTrailers = (): void =>
    stream.sendTrailers(body.trailers === undefined ? {} : outgoingFields(body.trailers))
  stream.on(
    'wantTrailers',
    guardHandler(sendTrailers, (error) => giveUp(toProblem(error))),
  )
  source.on('error', (error) => giveUp(toAttemptFailure(error, 'sent').problem))
  stream.on('close', () => source.unpipe(stream))
  source.pipe(stream)
}

/** Reads the response with back-pressure and the read timeout. */
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
      sink?.fail(
        failure?.problem ?? toAttemptFailure(new Error('the stream broke off'), 'sent').problem,
      )
    }
  }
  const stalled = Object.assign(new Error('nothing moved'), { code: 'ETIMEDOUT' })
  stream.setTimeout(timeouts.read, () => {
    if (!isPaused) giveUp(toAttemptFailure(stalled, 'sent').problem)
  })
  stream.on('error', (error) => (failure ??= toAttemptFailure(error, stageOf(stream))))
  const fault = (error: unknown): void => giveUp(toProblem(error))
  const onTrailers = (_headers: unknown, _flags: number, raw: string[]): void => {
    trailers = incomingFields(raw)
  }
  stream.on('trailers', guardHandler(onTrailers, fault))
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
    /** An error of the gateway in a handler of the stream. */
    fault,
    body: {
      read(reader: BodySink) {
        sink = reader
        if (isEnded || stream.destroyed) return finish()
        stream.on(
          'data',
          guardHandler((chunk: Buffer) => reader.part(chunk), fault),
        )
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
