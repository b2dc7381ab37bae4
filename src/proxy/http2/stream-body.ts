import type { ServerHttp2Stream } from 'node:http2'
import type { RequestBody } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { openRequestBody } from '../http1/request-body.ts'
import { incomingFields } from './fields.ts'

/** Opens the body of a stream; its window to the client grows only as fast as the body is read. `gone` is what a client that leaves in its middle means. */
export function openStreamBody(
  stream: ServerHttp2Stream,
  headers: HeaderList,
  { limit, gone }: { readonly limit: number; readonly gone: () => Error },
): RequestBody {
  const length = headers.get('content-length')
  let isTold = headers.get('expect')?.toLowerCase() !== '100-continue'
  let trailers: HeaderList | undefined
  let isWatched = false
  const body = openRequestBody({
    length: length === undefined ? undefined : Number(length),
    limit,
    onWanted() {
      if (!isTold && !stream.destroyed) stream.additionalHeaders({ ':status': 100 })
      isTold = true
      if (!isWatched) watch()
      stream.resume()
    },
  })
  const watch = (): void => {
    isWatched = true
    stream.on('data', (bytes: Buffer) => {
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
    open: () => body.open(),
  }
}
