import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Reply } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { outgoingFields } from './fields.ts'

/** Writes a response. A head without a body ends the stream with END_STREAM, as gRPC requires for trailers-only responses. */
export function openReply(stream: ServerHttp2Stream, onFault: (error: unknown) => void): Reply {
  let status = 0
  let headers = new HeaderList()
  let trailers: HeaderList | undefined

  const sendHead = (endStream: boolean): void => {
    if (stream.headersSent || stream.destroyed) return
    stream.respond(outgoingFields(headers, { ':status': status }), {
      endStream,
      waitForTrailers: !endStream,
    })
  }
  stream.on('wantTrailers', () => {
    try {
      stream.sendTrailers(trailers === undefined ? {} : outgoingFields(trailers))
    } catch (error) {
      onFault(error)
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
    if (!stream.readableEnded) stream.resume()
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
    flush: () => sendHead(false),
    write(chunk) {
      sendHead(false)
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
      if (isEmpty && fields === undefined && !stream.headersSent) return sendHead(true)
      sendHead(false)
      if (isEmpty) stream.end()
      else stream.end(last)
    },
    abort() {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    },
  }
}
