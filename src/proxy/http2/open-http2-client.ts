import http2, { type ClientHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Egress } from '../../lib/egress.ts'
import type { Log } from '../../lib/log.ts'
import { sendStream } from './send-stream.ts'
import { connectTarget } from '../tls/connect-target.ts'
import type { UpstreamRequest, UpstreamClient } from '../walk/ask-upstream.ts'

/** The HTTP/2 upstream client: each attempt is a stream of a shared session. */
export function openHttp2Client(log: Log, egress: Egress): UpstreamClient {
  const pools = openSessionPools(log, egress)
  return {
    async send(attempt) {
      const kept = await pools.take(attempt)
      kept.streams += 1
      kept.session.ref()
      return sendStream(kept.session, attempt, () => {
        kept.streams -= 1
        if (kept.streams === 0 && !kept.session.destroyed) kept.session.unref()
      })
    },
    keepOnly: pools.keepOnly,
    close() {
      pools.close()
      return Promise.resolve()
    },
  }
}

/** Cache time of a failed ALPN negotiation. */
const memory = 300_000
const maxCacheEntries = 10_000

/** Uses HTTP/2 with targets that negotiate it by ALPN, else HTTP/1.1. */
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
        if (!(error instanceof AlpnMismatch)) throw error
        if (others.size >= maxCacheEntries) others.clear()
        others.set(key, performance.now() + memory)
        return http1.send(attempt)
      }
    },
  }
}

const keyOf = ({ target: { host, port }, tls }: UpstreamRequest): string =>
  `${host}:${port} ${tls?.identity ?? ''}`

/** A session with the number of its open streams. */
export type KeptSession = { readonly session: ClientHttp2Session; streams: number }

type Pool = { readonly origin: string; readonly sessions: Set<KeptSession> }

/** Sessions, shared by attempts with the same origin and TLS identity. */
export type SessionPools = {
  /** A session with a free stream; concurrent attempts wait for a session that is being opened. */
  take(attempt: UpstreamRequest): Promise<KeptSession>
  keepOnly(this: void, wanted: (origin: string) => boolean): void
  close(): void
}

/** Assumed SETTINGS_MAX_CONCURRENT_STREAMS until the target sends its own. */
const defaultMaxStreams = 100
const settings = { enablePush: false, initialWindowSize: 262_144 }

/** After GOAWAY a session gets no new streams and closes after its last one. */
export function openSessionPools(log: Log, egress: Egress): SessionPools {
  const pools = new Map<string, Pool>()
  const opening = new Map<string, Promise<KeptSession>>()

  const keep = (key: string, origin: string, session: ClientHttp2Session): KeptSession => {
    const kept: KeptSession = { session, streams: 0 }
    const pool = pools.get(key) ?? { origin, sessions: new Set<KeptSession>() }
    pools.set(key, pool)
    pool.sessions.add(kept)
    // Attempts on it fail by themselves; without any, this line is all that is known.
    session.on('error', (error) => {
      log.info('proxy: HTTP/2 session with a target failed', { target: origin, error })
    })
    session.on('goaway', () => pool.sessions.delete(kept))
    session.on('close', () => {
      pool.sessions.delete(kept)
      if (pool.sessions.size === 0 && pools.get(key) === pool) pools.delete(key)
    })
    session.unref()
    return kept
  }
  const open = async (key: string, attempt: UpstreamRequest): Promise<KeptSession> => {
    const offer = attempt.offersHttp2 === true ? ['h2', 'http/1.1'] : ['h2']
    const socket = await connectTarget(attempt, offer, attempt.timeouts.connect, egress)
    if (attempt.offersHttp2 === true && (socket as TLSSocket).alpnProtocol !== 'h2') {
      socket.destroy()
      throw new AlpnMismatch()
    }
    const origin = originOf(attempt)
    return keep(key, origin, http2.connect(origin, { createConnection: () => socket, settings }))
  }
  return {
    async take(attempt) {
      const key = `${originOf(attempt)} ${attempt.tls?.identity ?? ''}`
      for (;;) {
        const free = [...(pools.get(key)?.sessions ?? [])].find(hasRoom)
        if (free !== undefined) return free
        const pending = opening.get(key)
        if (pending === undefined) {
          const made = open(key, attempt).finally(() => opening.delete(key))
          opening.set(key, made)
          return made
        }
        await pending
      }
    },
    keepOnly(wanted) {
      for (const [key, { origin, sessions }] of pools) {
        if (wanted(origin)) continue
        pools.delete(key)
        for (const { session } of sessions) session.close()
      }
    },
    close() {
      for (const { sessions } of pools.values())
        for (const { session } of sessions) session.destroy()
    },
  }
}

const hasRoom = ({ session, streams }: KeptSession): boolean =>
  !session.closed &&
  !session.destroyed &&
  streams < (session.remoteSettings.maxConcurrentStreams ?? defaultMaxStreams)

function originOf({ tls, target: { host, port } }: UpstreamRequest): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`
}

/** The target negotiated another protocol; nothing was sent. */
export class AlpnMismatch extends Error {}
