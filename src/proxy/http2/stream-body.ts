import type { ServerHttp2Stream } from 'node:http2'
import type { RequestBody } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { openRequestBody } from '../http1/request-body.ts'
import { incomingFields } from './fields.ts'

/** What a body is opened with. */
export type BodyOptions = {
  /** Most bytes; 0 for no limit. */
  readonly limit: number
  /** What a client that leaves in its middle means. */
  readonly gone: () => Error
  /** Hears how much came. */
  readonly onPart: (size: number) => void
}

/** The body of a stream. */
export type StreamBody = RequestBody & {
  /** Whether more of it is wanted and not all is there. */
  readonly isAwaited: boolean
  /** It will never be whole. */
  fail(error: Error): void
}

/** Opens the body of a stream; its window to the client grows only as fast as the body is read. */
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
  const watch = (): void => {
    isWatched = true
    stream.on('data', (bytes: Buffer) => {
      onPart(bytes.length)
      if (!body.feed(bytes)) stream.pause()
    })
    stream.on('end', () => (stream.aborted ? body.fail(gone()) : body.end()))
  }
  stream.on('trailers', (_headers, _flags, raw) => {
    trailers = incomingFields(raw)
  })
  stream.on('aborted', () => body.fail(gone()))
  return {
    present: true,
    length: body.length,
    get received() {
      return body.received
    },
    get replayable() {
      return body.replayable
    },
    get trailers() {
      return trailers
    },
    get isAwaited() {
      return isWatched && !body.isWhole && !stream.isPaused()
    },
    fail: (error) => body.fail(error),
    open: () => body.open(),
    readAhead: () => body.readAhead(),
  }
}
