import { Readable } from 'node:stream'
import { Problem } from '../../lib/problem.ts'
import type { RequestBody } from '../exchange.ts'

/** The connection's end of a request body. */
export type IncomingBody = RequestBody & {
  /** Takes bytes that arrived; false when no more are wanted for now. */
  feed(bytes: Buffer): boolean
  /** The body is whole. */
  end(): void
  /** The body will never be whole. */
  fail(error: Error): void
  readonly isWhole: boolean
  readonly isOpened: boolean
}

/** What a body is opened with. */
export type BodyOptions = {
  readonly length: number | undefined
  /** Most bytes; 0 for no limit. */
  readonly limit: number
  /** More is wanted. Called at the first `open` or `readAhead`, too. */
  readonly onWanted: () => void
}

/** How much of a body is read ahead of the service, and kept to be sent again with the next try. */
const kept = 65_536

/** Opens the body of a request for as many tries as it takes; beyond its limit it breaks off with 413. */
export function openRequestBody({ length, limit, onWanted }: BodyOptions): IncomingBody {
  const early: Buffer[] = []
  let received = 0
  let current: Readable | undefined
  let isWhole = false
  let failure: Error | undefined
  let ahead: { resolve(): void; reject(error: Error): void } | undefined

  const fail = (error: Error): void => {
    failure ??= error
    current?.destroy(failure)
    ahead?.reject(failure)
  }
  return {
    present: true,
    length,
    get received() {
      return received
    },
    get replayable() {
      return received <= kept && failure === undefined
    },
    get isWhole() {
      return isWhole
    },
    get isOpened() {
      return current !== undefined
    },
    feed(bytes) {
      received += bytes.length
      if (limit > 0 && received > limit)
        fail(new Problem('request.too_large', 413, 'Request size limit exceeded'))
      if (failure !== undefined) return true
      if (received >= kept) ahead?.resolve()
      if (current === undefined || received <= kept) early.push(bytes)
      return current === undefined ? received < kept : current.push(bytes)
    },
    end() {
      isWhole = true
      current?.push(null)
      ahead?.resolve()
    },
    fail,
    readAhead() {
      if (isWhole || received >= kept || failure !== undefined) return undefined
      onWanted()
      return new Promise((resolve, reject) => (ahead = { resolve, reject }))
    },
    open() {
      const next = new Readable({ read: onWanted })
      current = next
      for (const bytes of early) next.push(bytes)
      if (received > kept) early.length = 0
      if (failure !== undefined) next.destroy(failure)
      else if (isWhole) next.push(null)
      onWanted()
      return next
    },
  }
}

/** The body of a request that has none. */
export const absentBody: RequestBody = {
  present: false,
  length: 0,
  received: 0,
  replayable: true,
  open: () => Readable.from([]),
  readAhead: () => undefined,
}
