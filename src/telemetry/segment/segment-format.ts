import { crc32 } from 'node:zlib'
import { eventColumns, sharedColumns, type EventColumnName } from '../../schema/event.ts'

/*
 * A segment holds events as a gateway wrote them, in little-endian binary:
 *
 *   segment  "WEIREV1\n" · u32 length and u32 CRC-32 of the header · header · frames
 *   header   JSON: SegmentHeader
 *   frame    u32 length of the events · u32 CRC-32 of all that follows · u32 number of events · events
 *   event    the shared parts, then the own columns, both in the order of the header
 *
 * A frame is what one turn of the event loop recorded. Numbers are LEB128 varints. A text is the number that it got when
 * it first occurred in the segment, or 0, its length in bytes and its UTF-8 bytes; '' is number 1. A shared part is
 * likewise a number, or 0 and its columns. A list is its length and its texts. `time` is the difference to the event
 * before, zigzag-encoded.
 */

export const magic = Buffer.from('WEIREV1\n')

/** Bytes before the events of a frame. */
export const frameHeadBytes = 12

/** Encoding of a column. */
export type ColumnKind = 'text' | 'texts' | 'number' | 'uuid' | 'time'

export type SegmentColumn = { readonly name: string; readonly kind: ColumnKind }

export type SegmentHeader = {
  readonly parts: readonly (readonly SegmentColumn[])[]
  readonly own: readonly SegmentColumn[]
}

const kindOf = (name: EventColumnName): ColumnKind => {
  const { type } = eventColumns[name]
  if (name === 'time') return 'time'
  if (type === 'UUID') return 'uuid'
  if (type.startsWith('Array(')) return 'texts'
  return type.startsWith('UInt') ? 'number' : 'text'
}

const describe = (name: EventColumnName): SegmentColumn => ({ name, kind: kindOf(name) })

const shared = new Set<string>(Object.values(sharedColumns).flat())

/** Header that this version writes: parts in the order of `sharedColumns`, own columns in the order of `eventColumns`. */
export const currentHeader: SegmentHeader = {
  parts: Object.values(sharedColumns).map((names) => names.map(describe)),
  own: (Object.keys(eventColumns) as EventColumnName[])
    .filter((name) => !shared.has(name))
    .map(describe),
}

/** The bytes with which each segment begins. */
export function renderHeader(header: SegmentHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const head = Buffer.alloc(8)
  head.writeUInt32LE(json.length, 0)
  head.writeUInt32LE(crc32(json), 4)
  return Buffer.concat([magic, head, json])
}
