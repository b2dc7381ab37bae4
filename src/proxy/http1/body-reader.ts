import { ChunkReader } from './chunk-reader.ts'
import type { BodyEvents, BodyReader } from './body-events.ts'
import type { Framing } from './framing.ts'

/** Opens a reader for a body that is framed so. */
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
