import { constants } from 'node:http2'
import { copyOf } from '../../front/read-into.ts'
import { HeaderBlockChecker, maxBlockBytes } from '../hpack/check-header-block.ts'
import { ClientStreams } from './client-streams.ts'

export type FrameFindings = {
  /** A header block of a stream, or its trailers, have a malformed field (RFC 9113 section 8.2.1). */
  onMalformed(this: void, stream: number): void
  /** A stream error (section 5.4.2). */
  onStreamError(this: void, stream: number, code: number): void
  /** A connection error (section 5.4.1); no further frame is inspected. */
  onConnectionError(this: void, code: number): void
  /** An upper bound of the bytes that were sent to the client. */
  sentBytes(this: void): number
}

const prefaceBytes = 24
const headBytes = 9
/** SETTINGS_MAX_FRAME_SIZE, which the gateway leaves at its default. */
const maxFrameBytes = 16_384
const priorityBytes = 5

const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION] = [
  0, 1, 2, 3, 4, 6, 8, 9,
]
const settingBytes = 6
/** Longer SETTINGS frames than clients send are not read. */
const maxSettingsBytes = 42 * settingBytes
const initialWindowSetting = 4
/** A type that is not defined, and whose frames are therefore ignored (section 5.5). */
const unknownType = 0xff
const endStreamFlag = 0x1
const ackFlag = 0x1
const endHeadersFlag = 0x4
const paddedFlag = 0x8
const priorityFlag = 0x20

const {
  NGHTTP2_PROTOCOL_ERROR: protocolError,
  NGHTTP2_FLOW_CONTROL_ERROR: flowControlError,
  NGHTTP2_STREAM_CLOSED: streamClosed,
  NGHTTP2_FRAME_SIZE_ERROR: frameSizeError,
  NGHTTP2_COMPRESSION_ERROR: compressionError,
  NGHTTP2_ENHANCE_YOUR_CALM: enhanceYourCalm,
} = constants

/**
 * Reads the frames of a client (RFC 9113 section 4.1), from its preface on, for what the HTTP/2 library hides or tolerates: it drops malformed fields
 * and passes the rest on, and ignores frames on streams that their client has closed.
 */
export class FrameInspector {
  readonly #findings: FrameFindings
  readonly #checker = new HeaderBlockChecker()
  readonly #streams = new ClientStreams()
  /** Of the preface or of a payload. */
  #unread = prefaceBytes
  #hasFailed = false
  /** The stream whose header block is being read, or 0. */
  #blockStream = 0
  #blockFlags = 0
  /** The payload of a frame of a header block that comes in several pieces. */
  #payload: Buffer | undefined
  #fragments: Buffer[] = []
  #fragmentBytes = 0

  constructor(findings: FrameFindings) {
    this.#findings = findings
  }

  /**
   * Takes the bytes that follow. Returns how many of them may be passed on; the others begin the bytes of the next call. Frames that must be ignored
   * get a type that is not defined.
   */
  inspect(bytes: Buffer): number {
    const { length } = bytes
    let at = 0
    while (at < length && !this.#hasFailed) {
      if (this.#unread === 0) {
        if (length - at < headBytes) return at
        const size = payloadSize(bytes, at)
        if (mustBeWhole(bytes[at + 3] as number, size) && length - at < headBytes + size) return at
        this.#readHead(bytes, at, size)
        if (this.#hasFailed) return at
        this.#unread = size
        at += headBytes
        if (size === 0 && this.#blockStream > 0) this.#takeBlockPart(bytes, at, 0)
        continue
      }
      const size = Math.min(this.#unread, length - at)
      this.#unread -= size
      if (this.#blockStream > 0) this.#takeBlockPart(bytes, at, size)
      at += size
    }
    return at
  }

  #fail(code: number): void {
    this.#hasFailed = true
    this.#findings.onConnectionError(code)
  }

  #readHead(bytes: Buffer, at: number, size: number): void {
    const flags = bytes[at + 4] as number
    const stream = numberAt(bytes, at + 5)
    const hasEnd = (flags & endStreamFlag) !== 0
    switch (bytes[at + 3] as number) {
      case DATA:
        this.#readDataHead(stream)
        if (hasEnd) this.#streams.end(stream)
        return
      case HEADERS:
        this.#readHeadersHead(stream)
        if (hasEnd) this.#streams.end(stream)
        return this.#beginBlock(stream, flags, size)
      case CONTINUATION:
        // No padding and no priority.
        return this.#beginBlock(stream, flags & endHeadersFlag, size)
      default:
        return this.#readControl(bytes, at, size)
    }
  }

  /** Reads a frame that carries neither a body nor a header block. */
  #readControl(bytes: Buffer, at: number, size: number): void {
    const stream = numberAt(bytes, at + 5)
    const from = at + headBytes
    switch (bytes[at + 3] as number) {
      case PRIORITY:
        return this.#readPriority(stream, size, bytes, from)
      case RST_STREAM:
        return this.#streams.end(stream)
      case SETTINGS:
        return this.#readSettings(bytes, from, size)
      case PING:
        // The gateway sends no PING. The library would end the connection, which section 6.7 does not require.
        if (((bytes[at + 4] as number) & ackFlag) !== 0 && size === 8 && stream === 0)
          bytes[at + 3] = unknownType
        return
      case WINDOW_UPDATE:
        if (stream === 0 || size !== 4 || !this.#overflows(stream, numberAt(bytes, from))) return
        bytes[at + 3] = unknownType
        return this.#findings.onStreamError(stream, flowControlError)
    }
  }

  #readSettings(bytes: Buffer, from: number, size: number): void {
    // The lowest is right in any case.
    if (size > maxSettingsBytes) this.#streams.initialWindow = 0
    else
      for (let at = from; at + settingBytes <= from + size; at += settingBytes)
        if (bytes.readUInt16BE(at) === initialWindowSetting)
          this.#streams.initialWindow = bytes.readUInt32BE(at + 2)
  }

  #overflows(stream: number, increment: number): boolean {
    return this.#streams.overflows(stream, increment, this.#findings.sentBytes)
  }

  /** Section 5.1: a stream that its client has ended is half-closed or closed. */
  #readDataHead(stream: number): void {
    const state = this.#streams.stateOf(stream)
    if (state === 'ended' || state === 'skipped') this.#fail(streamClosed)
  }

  #readHeadersHead(stream: number): void {
    const state = this.#streams.stateOf(stream)
    if (state === 'idle') this.#streams.open(stream)
    else if (state === 'ended') this.#fail(streamClosed)
    // Section 5.1.1: the identifier of a new stream is greater than all before.
    else if (state === 'skipped') this.#fail(protocolError)
  }

  /** A stream that depends on itself is an error of RFC 7540 section 5.3.1. */
  #readPriority(stream: number, size: number, bytes: Buffer, at: number): void {
    if (stream === 0) return this.#fail(protocolError)
    if (size !== priorityBytes || numberAt(bytes, at) !== stream) return
    // An idle stream cannot be reset (section 6.4).
    if (this.#streams.stateOf(stream) === 'idle') this.#fail(protocolError)
    else this.#findings.onStreamError(stream, protocolError)
  }

  #beginBlock(stream: number, flags: number, size: number): void {
    if (this.#hasFailed) return
    if (size > maxFrameBytes) return this.#fail(frameSizeError)
    this.#blockStream = stream
    this.#blockFlags = flags
  }

  #takeBlockPart(bytes: Buffer, at: number, size: number): void {
    if (this.#payload === undefined && this.#unread === 0)
      return this.#takeBlockFrame(bytes, at, at + size)
    this.#payload ??= Buffer.allocUnsafe(this.#unread + size)
    const { length } = this.#payload
    bytes.copy(this.#payload, length - this.#unread - size, at, at + size)
    if (this.#unread > 0) return
    const payload = this.#payload
    this.#payload = undefined
    this.#takeBlockFrame(payload, 0, length)
  }

  /** Reads the payload of a HEADERS or CONTINUATION frame (section 6.2). */
  #takeBlockFrame(bytes: Buffer, begin: number, end: number): void {
    const [stream, flags] = [this.#blockStream, this.#blockFlags]
    this.#blockStream = 0
    let [from, to] = [begin, end]
    if ((flags & paddedFlag) !== 0) {
      to -= from < to ? (bytes[from] as number) : 1
      from += 1
    }
    if ((flags & priorityFlag) !== 0) from += priorityBytes
    if (from > to) return this.#fail(protocolError)
    this.#fragmentBytes += to - from
    if (this.#fragmentBytes > maxBlockBytes) return this.#fail(enhanceYourCalm)
    const isWhole = (flags & endHeadersFlag) !== 0
    if (isWhole && this.#fragments.length === 0) this.#checkBlock(stream, bytes, from, to)
    else if (from < to) this.#fragments.push(copyOf(bytes.subarray(from, to), to - from))
    if (!isWhole) return
    if (this.#fragments.length > 0)
      this.#checkBlock(stream, Buffer.concat(this.#fragments), 0, this.#fragmentBytes)
    this.#fragments = []
    this.#fragmentBytes = 0
  }

  #checkBlock(stream: number, bytes: Buffer, from: number, to: number): void {
    const verdict = this.#checker.check(bytes, from, to)
    if (verdict === 'broken') this.#fail(compressionError)
    if (verdict === 'malformed') this.#findings.onMalformed(stream)
  }
}

/** Frames whose payload matters, apart from those of header blocks, are small, and passed on at once. */
const mustBeWhole = (type: number, size: number): boolean =>
  (type === PING && size === 8) ||
  (type === WINDOW_UPDATE && size === 4) ||
  (type === PRIORITY && size === priorityBytes) ||
  (type === SETTINGS && size <= maxSettingsBytes)

const payloadSize = (bytes: Buffer, at: number): number =>
  ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)

/** A number of 31 bits. */
const numberAt = (bytes: Buffer, at: number): number =>
  (((bytes[at] as number) & 0x7f) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number)
