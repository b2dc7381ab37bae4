import { constants, type ServerHttp2Stream } from 'node:http2'
import type { RequestBody } from '../exchange.ts'
import { toProblem } from '../../lib/problem.ts'
import { guardHandler } from '../front/guard-handler.ts'
import type { HeaderList } from '../header-list.ts'
import { openRequestBody } from '../http1/request-body.ts'
import { incomingFields } from './fields.ts'

export type BodyOptions = {
  /** Maximum size in bytes; 0 for no limit. */
  readonly limit: number
  /** The error of a body whose client disconnected. */
  readonly gone: () => Error
  /** Called with the size of each part. */
  readonly onPart: (size: number) => void
}

export type StreamBody = RequestBody & {
  /** Whether more bytes are expected. */
  readonly isAwaited: boolean
  /** The body ended early. */
  fail(error: Error): void
}

/** The flow-control window grows only as fast as the body is read. */
export function openStreamBody(
  stream: ServerHttp2Stream,
  headers: HeaderList,
  { limit, gone, onPart }: BodyOptions,
): StreamBody {
  const length = headers.get('content-length')
  let hasSentContinue = headers.get('expect')?.toLowerCase() !== '100-continue'
  let trailers: HeaderList | undefined
  let isWatched = false
  const body = openRequestBody({
    length: length === undefined ? undefined : Number(length),
    limit,
    onWanted() {
      if (!hasSentContinue && !stream.destroyed) stream.additionalHeaders({ ':status': 100 })
      hasSentContinue = true
      if (!isWatched) watch()
      stream.resume()
    },
  })
  const fault = (error: unknown): void => body.fail(toProblem(error))
  const watch = (): void => {
    isWatched = true
    const onData = (bytes: Buffer): void => {
      onPart(bytes.length)
      if (!body.feed(bytes)) stream.pause()
    }
    stream.on('data', guardHandler(onData, fault))
  }
  // Now, because an empty body may end before anything reads it.
  stream.on('end', () => {
    const isCut = stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR
    if (isCut) body.fail(gone())
    else body.end(trailers)
  })
  const onTrailers = (_headers: unknown, _flags: number, raw: string[]): void => {
    trailers = incomingFields(raw)
  }
  stream.on('trailers', guardHandler(onTrailers, fault))
  // `aborted` alone is not enough: a stream that the HTTP/2 library resets, as for a protocol error, only closes.
  stream.on('close', () => {
    if (!body.isWhole) body.fail(gone())
  })
  return {
    present: true,
    length: body.length,
    get received() {
      return body.received
    },
    get replayable() {
      return body.replayable
    },
    get isWhole() {
      return body.isWhole
    },
    get trailers() {
      return body.trailers
    },
    get isAwaited() {
      return isWatched && !body.isWhole && !stream.isPaused()
    },
    fail: (error) => body.fail(error),
    open: () => body.open(),
    readAhead: () => body.readAhead(),
    limitTo: (bytes, refuse) => body.limitTo?.(bytes, refuse),
  }
}
