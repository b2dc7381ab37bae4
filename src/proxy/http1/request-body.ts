import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { Problem } from '../../lib/problem.ts'
import type { RequestBody } from '../exchange.ts'

const kept = 65_536

/** Opens the body of a request for as many tries as it takes: up to 64 KiB that a try has read can be sent again. Longer than `limit` bytes (0: no limit) it breaks off with 413. */
export function openRequestBody(message: IncomingMessage, limit: number): RequestBody {
  const lengthField = message.headers['content-length']
  const length = lengthField === undefined ? undefined : Number(lengthField)
  const present = (length ?? 0) > 0 || message.headers['transfer-encoding'] !== undefined
  const early: Buffer[] = []
  let received = 0
  let current: Readable | undefined
  let ended = false
  let failure: Error | undefined
  let attached = false

  const attach = (): void => {
    attached = true
    message.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (limit > 0 && received > limit) {
        failure = new Problem('request.too_large', 413, 'Request size limit exceeded')
        current?.destroy(failure)
        return
      }
      if (received <= kept) early.push(chunk)
      if (current?.push(chunk) === false) message.pause()
    })
    message.on('end', () => {
      ended = true
      current?.push(null)
    })
  }

  return {
    present,
    length,
    get received() {
      return received
    },
    get replayable() {
      return received <= kept && failure === undefined
    },
    open() {
      const next = new Readable({ read: () => void message.resume() })
      current = next
      for (const chunk of early) next.push(chunk)
      if (failure !== undefined) next.destroy(failure)
      else if (ended) next.push(null)
      else if (!attached) attach()
      return next
    },
  }
}
