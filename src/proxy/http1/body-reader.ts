import { parseFields } from './parse-fields.ts'
import type { HeaderList } from '../header-list.ts'
import type { Framing } from './framing.ts'

/** Takes what a body reader finds. */
export type BodyEvents = {
  part(bytes: Buffer): void
  /** The body is complete; trailers are there when it came in chunks and had some. */
  end(trailers: HeaderList | undefined): void
}

/** Finds the end of a body in a stream of bytes. */
export type BodyReader = {
  /** Reads from `at` on; returns where the body ended, or -1 when all bytes were of the body. Throws a MalformedBody. */
  read(bytes: Buffer, at: number): number
  /** The connection ended; false when that was too early. */
  close(): boolean
}

/** Bytes that are not the body they should be. */
export class MalformedBody extends Error {}

/** Opens a reader for a body that is framed so. */
export function openBodyReader(framing: Framing, events: BodyEvents): BodyReader {
  if (framing.kind === 'chunked') return openChunkReader(events)
  return framing.kind === 'length'
    ? openLengthReader(framing.length, events)
    : openCloseReader(events)
}

function openLengthReader(length: number, events: BodyEvents): BodyReader {
  let missing = length
  return {
    read(bytes, at) {
      const end = Math.min(bytes.length, at + missing)
      missing -= end - at
      if (end > at) events.part(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
      if (missing > 0) return -1
      events.end(undefined)
      return end
    },
    close: () => missing === 0,
  }
}

function openCloseReader(events: BodyEvents): BodyReader {
  return {
    read(bytes, at) {
      events.part(bytes.subarray(at))
      return -1
    },
    close() {
      events.end(undefined)
      return true
    },
  }
}

const longestLine = 256
const longestTrailers = 8192

/** chunk-size and its extensions, which have no meaning for us and are dropped (RFC 9112 section 7.1.1), but may hold no control characters. */
const sizeLine = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/

type ChunkState = 'size' | 'bytes' | 'gap' | 'trailers'

/** Reads chunks to the letter of RFC 9112 section 7.1: every line ends with CRLF and nothing else. */
function openChunkReader(events: BodyEvents): BodyReader {
  let state: ChunkState = 'size'
  let missing = 0
  let line = ''
  let trailers = ''
  let done = false

  const steps: Readonly<Record<ChunkState, (bytes: Buffer, at: number) => number>> = {
    size(bytes, at) {
      const next = takeLine(bytes, at, longestLine)
      if (next < 0) return next
      const size = sizeLine.exec(line)?.[1]
      if (size === undefined) throw new MalformedBody('a chunk has no size')
      missing = Number.parseInt(size, 16)
      state = missing === 0 ? 'trailers' : 'bytes'
      line = ''
      return next
    },
    bytes(bytes, at) {
      const end = Math.min(bytes.length, at + missing)
      missing -= end - at
      events.part(bytes.subarray(at, end))
      if (missing === 0) state = 'gap'
      return end
    },
    gap(bytes, at) {
      const next = takeLine(bytes, at, 0)
      if (next >= 0) state = 'size'
      return next
    },
    trailers(bytes, at) {
      const next = takeLine(bytes, at, longestTrailers - trailers.length)
      if (next < 0) return next
      if (line === '') finish()
      else trailers += `${line}\r\n`
      line = ''
      return next
    },
  }

  /** Adds to `line` up to CRLF; returns where that ended, or -1 when the bytes ended first. */
  function takeLine(bytes: Buffer, at: number, longest: number): number {
    const feed = bytes.indexOf(10, at)
    const end = feed < 0 ? bytes.length : feed
    line += bytes.toString('latin1', at, end)
    const length = line.endsWith('\r') ? line.length - 1 : line.length
    if (length > longest || line.slice(0, -1).includes('\r'))
      throw new MalformedBody('a line of a chunked body is malformed')
    if (feed < 0) return -1
    if (!line.endsWith('\r')) throw new MalformedBody('a line of a chunked body ends without CR')
    line = line.slice(0, -1)
    return feed + 1
  }

  function finish(): void {
    const fields = parseFields(trailers)
    if (fields === undefined || fields === 'many')
      throw new MalformedBody('the trailers are malformed')
    done = true
    events.end(fields.headers.flat.length === 0 ? undefined : fields.headers)
  }

  return {
    read(bytes, at) {
      let next = at
      while (next < bytes.length) {
        next = steps[state](bytes, next)
        if (done) return next
        if (next < 0) return -1
      }
      return -1
    },
    close: () => false,
  }
}
