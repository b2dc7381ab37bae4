import type { Answer, AnswerBody, BodySink } from '../walk/ask-upstream.ts'
import type { HeaderList } from '../header-list.ts'

/** Flow control of the upstream connection. */
export type AnswerFlow = { pause(): void; resume(): void; destroy(): void }

/** Buffers the body of a response until a sink reads it. */
export class AnswerReader implements AnswerBody {
  readonly #flow: AnswerFlow
  #sink: BodySink | undefined
  #waiting: Uint8Array[] = []
  #end: { trailers: HeaderList | undefined } | undefined
  #failure: { error: unknown } | undefined

  constructor(flow: AnswerFlow) {
    this.#flow = flow
  }

  part(bytes: Uint8Array): void {
    if (this.#sink !== undefined) return this.#sink.part(bytes)
    this.#waiting.push(bytes)
    if (this.#waiting.length > 1) this.#flow.pause()
  }

  end(trailers: HeaderList | undefined): void {
    this.#end = { trailers }
    this.#sink?.end(trailers)
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.#sink?.fail(error)
  }

  read(sink: BodySink): void {
    this.#sink = sink
    const waiting = this.#waiting
    this.#waiting = []
    for (const bytes of waiting) sink.part(bytes)
    if (this.#failure !== undefined) sink.fail(this.#failure.error)
    else if (this.#end !== undefined) sink.end(this.#end.trailers)
    else if (waiting.length > 1) this.#flow.resume()
  }

  pause(): void {
    this.#flow.pause()
  }

  resume(): void {
    this.#flow.resume()
  }

  drop(): void {
    this.#sink = discard
    if (this.#end === undefined && this.#failure === undefined) this.#flow.destroy()
  }
}

const discard: BodySink = { part: () => undefined, end: () => undefined, fail: () => undefined }

export type Settle = {
  readonly resolve: (answer: Answer) => void
  /** `isClosed` if the target closed the connection without an answer. */
  readonly reject: (error: unknown, isClosed?: boolean) => void
}
