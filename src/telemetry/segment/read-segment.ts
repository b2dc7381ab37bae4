import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { frameHeadBytes, magic, type SegmentHeader } from './segment-format.ts'

/** Events that were written together. */
export type Frame = { readonly events: number; readonly bytes: Buffer }

/** The frames of a segment whose checksums are right. */
export type SegmentFrames = {
  readonly header: SegmentHeader
  readonly frames: readonly Frame[]
  /** Bytes up to the end of the last valid frame. */
  readonly validBytes: number
  /** Events of frames behind a damaged one, which cannot be read without it, by their headers. */
  readonly lostEvents: number
}

const column = z.strictObject({
  name: z.string(),
  kind: z.enum(['text', 'texts', 'number', 'uuid', 'time']),
})
const headerSchema = z.strictObject({
  parts: z.array(z.array(column)).max(16),
  own: z.array(column).max(1_000),
})

const noFrames: SegmentFrames = {
  header: { parts: [], own: [] },
  frames: [],
  validBytes: 0,
  lostEvents: 0,
}

/** Reads a segment up to its end or its first damaged frame. A segment whose own head is damaged has no frames. */
export function readSegment(bytes: Buffer): SegmentFrames {
  const header = readHeader(bytes)
  if (header === undefined) return noFrames
  const frames: Frame[] = []
  let at = magic.length + 8 + bytes.readUInt32LE(magic.length)
  for (;;) {
    const end = frameEnd(bytes, at)
    if (end === undefined || crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) {
      return { header, frames, validBytes: at, lostEvents: countHeads(bytes, at) }
    }
    frames.push({
      events: bytes.readUInt32LE(at + 8),
      bytes: bytes.subarray(at + frameHeadBytes, end),
    })
    at = end
  }
}

function readHeader(bytes: Buffer): SegmentHeader | undefined {
  const start = magic.length + 8
  if (bytes.length < start || !bytes.subarray(0, magic.length).equals(magic)) return undefined
  const json = bytes.subarray(start, start + bytes.readUInt32LE(magic.length))
  if (crc32(json) !== bytes.readUInt32LE(magic.length + 4)) return undefined
  return headerSchema.parse(JSON.parse(json.toString()))
}

function frameEnd(bytes: Buffer, at: number): number | undefined {
  if (at + frameHeadBytes > bytes.length) return undefined
  const end = at + frameHeadBytes + bytes.readUInt32LE(at)
  return end > bytes.length ? undefined : end
}

/** Events of complete frames from `at` on, without their checksums. */
function countHeads(bytes: Buffer, from: number): number {
  let events = 0
  let at = from
  for (;;) {
    const end = frameEnd(bytes, at)
    // A head of zeros is of a block that never reached the disk.
    if (end === undefined || end === at + frameHeadBytes) return events
    events += bytes.readUInt32LE(at + 8)
    at = end
  }
}

/** Fewer bytes than any event takes. */
const minEventBytes = 16

/** Whether frames can hold as many events as they declare; memory is allocated by that number. */
export const isPlausible = ({ frames }: SegmentFrames): boolean =>
  frames.every(({ events, bytes }) => events * minEventBytes <= bytes.length)

export const countEvents = (segments: readonly SegmentFrames[]): number =>
  segments.reduce((sum, { frames }) => frames.reduce((count, { events }) => count + events, sum), 0)
