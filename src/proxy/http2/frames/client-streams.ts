/** State of a stream by the frames of the client; `unknown` is left to the HTTP/2 library. */
export type StreamState = 'idle' | 'open' | 'ended' | 'skipped' | 'unknown'

/** More than the streams that a client may have open at a time. */
const slots = 256
const maxWindow = 2 ** 31 - 1

/**
 * The latest streams of a client (RFC 9113 section 5.1), in constant memory: a stream takes the slot of an older one, which is `unknown` from then on.
 * A stream that only the server has closed stays open here, because its client may not have received this yet.
 */
export class ClientStreams {
  readonly #ids = new Uint32Array(slots)
  readonly #hasEnded = new Uint8Array(slots)
  /** Sums of WINDOW_UPDATE increments. */
  #credits: Float64Array | undefined
  #last = 0
  /** SETTINGS_INITIAL_WINDOW_SIZE of the client, which also changes the windows of open streams (section 6.9.2). */
  initialWindow = 65_535

  stateOf(stream: number): StreamState {
    if ((stream & 1) === 0) return 'unknown'
    if (stream > this.#last) return 'idle'
    const slot = slotOf(stream)
    const holder = this.#ids[slot] as number
    if (holder === stream) return this.#hasEnded[slot] === 1 ? 'ended' : 'open'
    // A stream in between would have taken the slot.
    return holder < stream ? 'skipped' : 'unknown'
  }

  open(stream: number): void {
    const slot = slotOf(stream)
    this.#last = stream
    this.#ids[slot] = stream
    this.#hasEnded[slot] = 0
    if (this.#credits !== undefined) this.#credits[slot] = 0
  }

  /** The client sent END_STREAM or RST_STREAM. */
  end(stream: number): void {
    const slot = slotOf(stream)
    if (this.#ids[slot] === stream) this.#hasEnded[slot] = 1
  }

  /**
   * Adds to the flow-control window of a stream; whether it surely exceeds its maximum (section 6.9.1). `sent` returns an upper bound of what the
   * window was used for.
   */
  overflows(stream: number, increment: number, sent: () => number): boolean {
    const slot = slotOf(stream)
    if (this.#ids[slot] !== stream) return false
    this.#credits ??= new Float64Array(slots)
    const credit = (this.#credits[slot] as number) + increment
    this.#credits[slot] = credit
    const window = this.initialWindow + credit
    return window > maxWindow && window - sent() > maxWindow
  }
}

const slotOf = (stream: number): number => (stream >>> 1) & (slots - 1)
