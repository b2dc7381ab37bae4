import { crc32 } from 'node:zlib'
import { withRoom } from '../../lib/with-room.ts'
import type { EventRecord } from '../../schema/event.ts'
import { currentHeader, frameHeadBytes, renderHeader } from './segment-format.ts'

/** The first bytes of a segment that this version writes. */
export const segmentHead: Buffer = renderHeader(currentHeader)

const [placeColumns = [], callerColumns = [], nodeColumns = []] = currentHeader.parts

const maxNumberBytes = 8

/** More than an event takes without its texts. */
const fixedBytes = 512

/** Encodes events into the frames of one segment. A frame whose write failed cannot be followed by another, because its definitions are missing. */
export class SegmentWriter {
  readonly #texts = new Map<string, number>([['', 1]])
  readonly #parts = [
    new Map<object, number>(),
    new Map<object, number>(),
    new Map<object, number>(),
  ]
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #at = frameHeadBytes
  #events = 0
  #time = 0

  /** Adds an event to the current frame. */
  add(event: EventRecord): void {
    this.#reserve(fixedBytes)
    this.#part(0, placeColumns, event.place)
    this.#part(1, callerColumns, event.caller)
    this.#part(2, nodeColumns, event.node)
    const passed = event.time - this.#time
    this.#time = event.time
    this.#number(passed < 0 ? -2 * passed - 1 : 2 * passed)
    this.#uuid(event.request_id)
    this.#text(event.trace_id)
    this.#text(event.outcome)
    this.#text(event.denied_by)
    this.#text(event.reason)
    this.#text(event.method)
    this.#text(event.scheme)
    this.#text(event.host)
    this.#text(event.path)
    this.#text(event.route_path)
    this.#text(event.query)
    this.#number(event.status)
    this.#number(event.upstream_status)
    this.#number(event.tries)
    this.#text(event.target)
    this.#textList(event.failed_tries)
    this.#number(event.duration_us)
    this.#number(event.gateway_us)
    this.#number(event.upstream_us)
    this.#number(event.receive_us)
    this.#number(event.request_bytes)
    this.#number(event.response_bytes)
    this.#text(event.client_address)
    this.#text(event.user_agent)
    this.#text(event.tls_version)
    this.#text(event.peer_identity)
    this.#number(event.revision)
    this.#events += 1
  }

  /** Ends the frame and returns its bytes, which are valid until the next `add`; undefined when it has no events. */
  takeFrame(): Buffer | undefined {
    if (this.#events === 0) return undefined
    const frame = this.#bytes.subarray(0, this.#at)
    frame.writeUInt32LE(this.#at - frameHeadBytes, 0)
    frame.writeUInt32LE(this.#events, 8)
    frame.writeUInt32LE(crc32(frame.subarray(8)), 4)
    this.#at = frameHeadBytes
    this.#events = 0
    return frame
  }

  #part(index: 0 | 1 | 2, columns: typeof placeColumns, part: object): void {
    const parts = this.#parts[index] as Map<object, number>
    const known = parts.get(part)
    if (known !== undefined) return this.#number(known)
    parts.set(part, parts.size + 1)
    this.#number(0)
    for (const { name, kind } of columns) {
      const value = (part as Readonly<Record<string, string | readonly string[]>>)[name] ?? ''
      if (kind === 'texts') this.#textList(value as readonly string[])
      else this.#text(value as string)
    }
  }

  #textList(texts: readonly string[]): void {
    this.#reserve(maxNumberBytes * texts.length + fixedBytes)
    this.#number(texts.length)
    for (const text of texts) this.#text(text)
  }

  #text(text: string): void {
    const known = this.#texts.get(text)
    if (known !== undefined) return this.#number(known)
    this.#texts.set(text, this.#texts.size + 1)
    const length = Buffer.byteLength(text)
    this.#reserve(length + fixedBytes)
    this.#number(0)
    this.#number(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** A UUID in its text form. */
  #uuid(text: string): void {
    const bytes = this.#bytes
    let at = this.#at
    for (let index = 0; index < 36; index += 2) {
      if (index === 8 || index === 13 || index === 18 || index === 23) index += 1
      bytes[at++] =
        ((digits[text.charCodeAt(index)] as number) << 4) |
        (digits[text.charCodeAt(index + 1)] as number)
    }
    this.#at = at
  }

  #number(value: number): void {
    const bytes = this.#bytes
    let at = this.#at
    let rest = value
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80
    let small = rest | 0
    for (; small > 127; small >>>= 7) bytes[at++] = (small & 0x7f) | 0x80
    bytes[at++] = small
    this.#at = at
  }

  #reserve(more: number): void {
    this.#bytes = withRoom(this.#bytes, this.#at, more)
  }
}

/** Values of hexadecimal digits by character code. */
const digits = new Uint8Array(128)
for (let value = 0; value < 16; value += 1) {
  digits[value.toString(16).charCodeAt(0)] = value
  digits[value.toString(16).toUpperCase().charCodeAt(0)] = value
}
