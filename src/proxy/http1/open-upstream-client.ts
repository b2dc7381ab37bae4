import { Pool } from 'undici'
import type { Answer, BodySink, Try, UpstreamClient } from '../ask-upstream.ts'
import { HeaderList } from '../header-list.ts'
import { switchProtocol } from './switch-protocol.ts'
import { tryFailure } from './upstream-failure.ts'
import { openStallTimer } from './stall-timer.ts'

/** Speaks HTTP/1.1 to targets over pools of kept connections, one pool for each origin and connect timeout. */
export function openUpstreamClient(): UpstreamClient {
  const pools = new Map<string, { origin: string; pool: Pool }>()
  const poolFor = ({ secure, target, timeouts }: Try): Pool => {
    const origin = `${secure ? 'https' : 'http'}://${target.host}:${target.port}`
    const key = `${origin} ${timeouts.connect}`
    let found = pools.get(key)
    if (found === undefined) {
      const pool = new Pool(origin, {
        connect: { timeout: timeouts.connect, noDelay: true },
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: 60_000,
        keepAliveMaxTimeout: 600_000,
        pipelining: 1,
      })
      pools.set(key, (found = { origin, pool }))
    }
    return found.pool
  }
  return {
    send: (attempt) =>
      attempt.upgrade === '' ? sendRequest(poolFor(attempt), attempt) : switchProtocol(attempt),
    keepOnly(wanted) {
      for (const [key, { origin, pool }] of pools) {
        if (wanted(origin)) continue
        pools.delete(key)
        pool.close().catch(() => undefined)
      }
    },
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

/** undici drops the body of a failed request; the request's own stream must outlive a try, so each try reads through one of its own. */
function sendRequest(pool: Pool, attempt: Try): Promise<Answer> {
  const { method, path, headers, body } = attempt
  return new Promise((resolve, reject) => {
    const handler = new AnswerReader(attempt, resolve, reject)
    const upload = body.present ? body.open() : null
    pool.dispatch({ method, path, headers: headers.flat, body: upload as never }, handler as never)
  })
}

/** One dispatch: settles with the head, then feeds the body to whoever reads it. */
class AnswerReader {
  readonly #attempt: Try
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  readonly #timer
  #abort: ((reason: Error) => void) | undefined
  #sink: BodySink | undefined
  #waiting: Uint8Array[] = []
  #ended = false
  #failure: unknown
  #givenUp: Error | undefined
  #paused = true
  #resumeSocket: (() => void) | undefined
  #head = false

  constructor(attempt: Try, resolve: (answer: Answer) => void, reject: (error: unknown) => void) {
    this.#attempt = attempt
    this.#resolve = resolve
    this.#reject = reject
    const { write, read } = attempt.timeouts
    this.#timer = openStallTimer(attempt.body.present ? write : read, (error) =>
      this.#giveUp(error),
    )
    attempt.onStart((reason) => this.#giveUp(reason))
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort
    if (this.#givenUp !== undefined) abort(this.#givenUp)
    else this.#timer.start()
  }

  onBodySent(): void {
    this.#timer.progress()
  }

  onRequestSent(): void {
    this.#timer.limit(this.#attempt.timeouts.read)
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) return true
    this.#head = true
    this.#resumeSocket = resume
    this.#timer.limit(this.#attempt.timeouts.read)
    const body = {
      read: (sink: BodySink) => this.#read(sink),
      pause: () => this.#pause(),
      resume: () => this.#flow(),
      drop: () => this.#drop(),
    }
    this.#resolve({
      status,
      headers: new HeaderList(raw.map((field) => field.toString('latin1'))),
      body,
    })
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#timer.progress()
    if (this.#sink === undefined) this.#waiting.push(chunk)
    else this.#sink.part(chunk)
    if (!this.#paused) return true
    this.#timer.hold()
    return false
  }

  onComplete(): void {
    this.#timer.stop()
    this.#ended = true
    this.#sink?.end()
  }

  onError(error: Error): void {
    this.#timer.stop()
    const failure = tryFailure(this.#givenUp ?? error)
    if (!this.#head) return this.#reject(failure)
    this.#failure = failure.problem
    this.#sink?.fail(failure.problem)
  }

  #read(sink: BodySink): void {
    this.#sink = sink
    this.#paused = false
    for (const chunk of this.#waiting) sink.part(chunk)
    this.#waiting = []
    if (this.#failure !== undefined) sink.fail(this.#failure)
    else if (this.#ended) sink.end()
    else if (!this.#paused) this.#resumeSocket?.()
  }

  #pause(): void {
    this.#paused = true
  }

  #flow(): void {
    this.#paused = false
    this.#timer.progress()
    this.#resumeSocket?.()
  }

  #drop(): void {
    this.#sink = { part: () => undefined, end: () => undefined, fail: () => undefined }
    this.#paused = false
    if (!this.#ended) this.#giveUp(new Error('no longer wanted'))
  }

  #giveUp(reason: Error): void {
    this.#givenUp ??= reason
    this.#timer.stop()
    this.#abort?.(reason)
    if (!this.#head) this.#reject(tryFailure(reason))
  }
}
