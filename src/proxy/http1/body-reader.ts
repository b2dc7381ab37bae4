import type { HeaderList } from '../header-list.ts'
import type { Framing } from './framing.ts'
import { parseFields } from './parse-fields.ts'

export function openBodyReader(framing: Framing, events: BodyEvents): BodyReader {
  if (framing.kind === 'chunked') return new ChunkReader(events)
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

export type BodyEvents = {
  part(bytes: Buffer): void
  /** The body is complete; chunked bodies may have trailers. */
  end(trailers: HeaderList | undefined): void
}

/** Finds the end of a body in a byte stream. */
export type BodyReader = {
  /** Returns where the body ended, or -1 when it continues. Throws MalformedBody. */
  read(bytes: Buffer, at: number): number
  /** The connection ended; returns false if the body was not complete. */
  close(): boolean
}

export class MalformedBody extends Error {}

const maxLineBytes = 256
const maxTrailerBytes = 8192

/** chunk-size and chunk extensions, which are ignored (RFC 9112 section 7.1.1) but may not contain control characters. */
const sizeLine = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/

/** Strict chunked coding (RFC 9112 section 7.1): every line ends with CRLF; a bare CR or LF is malformed. */
export class ChunkReader implements BodyReader {
  readonly #events: BodyEvents
  #expects: 'size' | 'bytes' | 'gap' | 'trailer' = 'size'
  #missing = 0
  #line = ''
  #trailers = ''
  #isDone = false

  constructor(events: BodyEvents) {
    this.#events = events
  }

  read(bytes: Buffer, at: number): number {
    let next = at
    while (next >= 0 && next < bytes.length) {
      next = this.#advance(bytes, next)
      if (this.#isDone) return next
    }
    return -1
  }

  close(): boolean {
    return false
  }

  #advance(bytes: Buffer, at: number): number {
    switch (this.#expects) {
      case 'size':
        return this.#readSize(bytes, at)
      case 'bytes':
        return this.#readBytes(bytes, at)
      case 'gap':
        return this.#readGap(bytes, at)
      case 'trailer':
        return this.#readTrailer(bytes, at)
    }
  }

  #readSize(bytes: Buffer, at: number): number {
    const next = this.#takeLine(bytes, at, maxLineBytes)
    if (next < 0) return next
    const size = sizeLine.exec(this.#line)?.[1]
    if (size === undefined) throw new MalformedBody('a chunk has no size')
    this.#line = ''
    this.#missing = Number.parseInt(size, 16)
    this.#expects = this.#missing === 0 ? 'trailer' : 'bytes'
    return next
  }

  #readBytes(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#missing)
    this.#missing -= end - at
    this.#events.part(bytes.subarray(at, end))
    if (this.#missing === 0) this.#expects = 'gap'
    return end
  }

  /** The CRLF after chunk data. */
  #readGap(bytes: Buffer, at: number): number {
    const next = this.#takeLine(bytes, at, 0)
    if (next >= 0) this.#expects = 'size'
    return next
  }

  #readTrailer(bytes: Buffer, at: number): number {
    const next = this.#takeLine(bytes, at, maxTrailerBytes - this.#trailers.length)
    if (next < 0) return next
    if (this.#line === '') this.#finish()
    else this.#trailers += `${this.#line}\r\n`
    this.#line = ''
    return next
  }

  /** Appends up to CRLF to the current line; returns the next position, or -1 when the line continues. */
  #takeLine(bytes: Buffer, at: number, longest: number): number {
    const feed = bytes.indexOf(10, at)
    const isWhole = feed >= 0
    const text = this.#line + bytes.toString('latin1', at, isWhole ? feed : bytes.length)
    const content = text.endsWith('\r') ? text.slice(0, -1) : text
    if (content.length > longest || content.includes('\r') || (isWhole && content === text)) {
      throw new MalformedBody('a line of a chunked body is malformed')
    }
    this.#line = isWhole ? content : text
    return isWhole ? feed + 1 : -1
  }

  #finish(): void {
    const fields = parseFields(this.#trailers)
    if (fields === undefined || fields === 'many')
      throw new MalformedBody('the trailers are malformed')
    this.#isDone = true
    this.#events.end(fields.headers.flat.length === 0 ? undefined : fields.headers)
  }
}
