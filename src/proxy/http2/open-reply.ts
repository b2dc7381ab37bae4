import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Reply } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { outgoingFields } from './fields.ts'

/** Writes a response. A head without a body ends the stream with END_STREAM, as gRPC requires for trailers-only responses. */
export function openReply(stream: ServerHttp2Stream, onFault: (error: unknown) => void): Reply {
  let status = 0
  let headers = new HeaderList()
  let trailers: HeaderList | undefined

  const sendHead = (endStream: boolean, waitForTrailers: boolean): void => {
    if (stream.headersSent || stream.destroyed) return
    stream.respond(outgoingFields(headers, { ':status': status }), { endStream, waitForTrailers })
  }
  /** Of the request: a stream that is not read does not close. */
  const discardRest = (): void => {
    if (!stream.readableEnded) stream.resume()
  }
  stream.on('wantTrailers', () => {
    try {
      stream.sendTrailers(trailers === undefined ? {} : outgoingFields(trailers))
    } catch (error) {
      onFault(error)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
    discardRest()
  })
  return {
    interim(code, fields) {
      if (!stream.headersSent && !stream.destroyed)
        stream.additionalHeaders(outgoingFields(fields, { ':status': code }))
    },
    begin(code, fields) {
      status = code
      headers = fields
    },
    flush: () => sendHead(false, true),
    write(chunk) {
      sendHead(false, true)
      return stream.destroyed || stream.write(chunk)
    },
    get pendingBytes() {
      return stream.writableLength
    },
    onWritable(resume) {
      stream.once('drain', resume)
    },
    finish(last, fields) {
      if (stream.destroyed) return
      trailers = fields
      const isEmpty = last === undefined || last.length === 0
      if (isEmpty && fields === undefined && !stream.headersSent) return sendHead(true, false)
      // Waiting costs an event and a frame; here it is known whether there are trailers.
      const mayAwait = stream.headersSent || fields !== undefined
      sendHead(false, mayAwait)
      if (isEmpty) stream.end()
      else stream.end(last)
      if (!mayAwait) discardRest()
    },
    abort() {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    },
  }
}
