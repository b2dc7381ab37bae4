import { copyOf, type Taker } from '../../front/read-into.ts'
import { HeaderBlockChecker, maxBlockBytes } from './check-header-block.ts'

export type FrameFindings = {
  /** A header block of a stream, or its trailers, have a malformed field. */
  onMalformed(this: void, stream: number): void
  /** A header block does not decode; nghttp2 ends the connection for it. */
  onBroken(this: void): void
}

const prefaceBytes = 24
const frameHeadBytes = 9
/** SETTINGS_MAX_FRAME_SIZE, which the gateway leaves at its default. */
const maxFrameBytes = 16_384
const headersType = 1
const continuationType = 9
const endHeadersFlag = 0x4
const paddedFlag = 0x8
const priorityFlag = 0x20
const priorityBytes = 5

/**
 * Reads the frames of a client (RFC 9113 section 4.1) for what the HTTP/2 library hides: it drops malformed fields and passes the rest on.
 * Takes all bytes of a connection, from its preface on.
 */
export function inspectFrames(findings: FrameFindings): Taker {
  const checker = new HeaderBlockChecker()
  const head = Buffer.alloc(frameHeadBytes)
  /** Of the preface or of a payload. */
  let unread = prefaceBytes
  let headBytes = 0
  /** The payload of a frame that came in several pieces. */
  let payload: Buffer | undefined
  let fragments: Buffer[] = []
  let isBroken = false

  const fail = (): void => {
    isBroken = true
    findings.onBroken()
  }
  const isBlockFrame = (): boolean =>
    headBytes > 0 && (head[3] === headersType || head[3] === continuationType)
  const takeBlockFrame = (bytes: Buffer): void => {
    const flags = head[4] as number
    const fragment = fragmentOf(bytes, head[3] === headersType ? flags : 0)
    const known = fragments.reduce((sum, { length }) => sum + length, 0)
    if (fragment === undefined || known + fragment.length > maxBlockBytes) return fail()
    if ((flags & endHeadersFlag) === 0) {
      if (fragment.length > 0) fragments.push(copyOf(fragment, fragment.length))
      return
    }
    const verdict = checker.check(
      fragments.length === 0 ? fragment : Buffer.concat([...fragments, fragment]),
    )
    fragments = []
    if (verdict === 'broken') fail()
    if (verdict === 'malformed') findings.onMalformed(head.readUInt32BE(5) & 0x7fff_ffff)
  }
  const takePayload = (bytes: Buffer, at: number, size: number): void => {
    unread -= size
    if (isBlockFrame()) {
      if (payload === undefined && unread === 0) takeBlockFrame(bytes.subarray(at, at + size))
      else {
        payload ??= Buffer.alloc(unread + size)
        bytes.copy(payload, payload.length - unread - size, at, at + size)
        if (unread === 0) takeBlockFrame(payload)
      }
    }
    if (unread > 0) return
    payload = undefined
    headBytes = 0
  }

  return (bytes, length) => {
    let at = 0
    while (at < length && !isBroken) {
      if (unread > 0) {
        const size = Math.min(unread, length - at)
        takePayload(bytes, at, size)
        at += size
        continue
      }
      const size = Math.min(frameHeadBytes - headBytes, length - at)
      bytes.copy(head, headBytes, at, at + size)
      headBytes += size
      at += size
      if (headBytes < frameHeadBytes) return
      unread = head.readUIntBE(0, 3)
      if (isBlockFrame() && unread > maxFrameBytes) fail()
      else if (unread === 0) takePayload(bytes, at, 0)
    }
  }
}

/** The part of a header block in the payload of a frame (RFC 9113 section 6.2); undefined where its padding is longer than the frame. */
function fragmentOf(payload: Buffer, flags: number): Buffer | undefined {
  const isPadded = (flags & paddedFlag) !== 0
  const padding = isPadded ? (payload[0] ?? 0) : 0
  const start = Number(isPadded) + ((flags & priorityFlag) === 0 ? 0 : priorityBytes)
  const end = payload.length - padding
  return start > end ? undefined : payload.subarray(start, end)
}
