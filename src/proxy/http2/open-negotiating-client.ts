import type { UpstreamRequest, UpstreamClient } from '../walk/ask-upstream.ts'
import { OtherProtocol } from './other-protocol.ts'

/** For how long a target is taken for one that does not speak HTTP/2. */
const memory = 300_000
const mostKnown = 10_000

/** Sends over HTTP/2 what may go that way to a target that agrees to it in the handshake, and all else over HTTP/1.1. */
export function openNegotiatingClient(
  http1: UpstreamClient,
  http2: UpstreamClient,
): Pick<UpstreamClient, 'send'> {
  const others = new Map<string, number>()
  return {
    async send(attempt) {
      const key = keyOf(attempt)
      const until = others.get(key)
      if (until !== undefined && performance.now() < until) return http1.send(attempt)
      try {
        return await http2.send(attempt)
      } catch (error) {
        if (!(error instanceof OtherProtocol)) throw error
        if (others.size >= mostKnown) others.clear()
        others.set(key, performance.now() + memory)
        return http1.send(attempt)
      }
    },
  }
}

const keyOf = ({ target: { host, port }, tls }: UpstreamRequest): string =>
  `${host}:${port} ${tls?.identity ?? ''}`
