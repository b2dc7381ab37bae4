import { Readable } from 'node:stream'
import { Problem } from '../../lib/problem.ts'
import type { RequestBody } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import { forwardedTrailers } from '../walk/request-fields.ts'

/** The side of a request body that the connection writes to. */
export type IncomingBody = RequestBody & {
  /** Returns false to pause the connection. */
  feed(bytes: Buffer): boolean
  /** The body is complete; those of its trailers are kept that may be forwarded. */
  end(trailers?: HeaderList): void
  /** The body ended early. */
  fail(error: Error): void
  readonly isOpened: boolean
}

export type BodyOptions = {
  readonly length: number | undefined
  /** Maximum size in bytes; 0 for no limit. */
  readonly limit: number
  /** Requests more bytes. Also called at the first `open` or `readAhead`. */
  readonly onWanted: () => void
}

/** Bytes of a body that are read ahead of the service and kept for a retry. */
const kept = 65_536

/** A body that can be read again for each attempt while it is small enough to be kept; over its limit it fails with 413. */
export function openRequestBody({ length, limit, onWanted }: BodyOptions): IncomingBody {
  let most = limit > 0 ? limit : Infinity
  let refuse = (): Problem => new Problem('request.too_large', 413, 'Request size limit exceeded')
  const early: Buffer[] = []
  let received = 0
  let current: Readable | undefined
  let isWhole = false
  let failure: Error | undefined
  let trailers: HeaderList | undefined
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
      if (received > most && failure === undefined) fail(refuse())
      if (failure !== undefined) return true
      if (received >= kept) ahead?.resolve()
      if (current === undefined || received <= kept) early.push(bytes)
      return current === undefined ? received < kept : current.push(bytes)
    },
    get trailers() {
      return trailers
    },
    end(fields) {
      isWhole = true
      trailers = forwardedTrailers(fields)
      current?.push(null)
      ahead?.resolve()
    },
    fail,
    limitTo(bytes, refuseWith) {
      if (bytes >= most) return
      most = bytes
      refuse = refuseWith
    },
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

export const absentBody: RequestBody = {
  present: false,
  length: 0,
  received: 0,
  isWhole: true,
  replayable: true,
  open: () => Readable.from([]),
  readAhead: () => undefined,
}
