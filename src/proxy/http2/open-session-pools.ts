import http2, { constants, type ClientHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { UpstreamRequest } from '../walk/ask-upstream.ts'
import { connectTarget } from '../tls/connect-target.ts'
import { OtherProtocol } from './other-protocol.ts'

/** A kept session, and how many streams it carries. */
export type KeptSession = { readonly session: ClientHttp2Session; streams: number }

type Pool = { readonly origin: string; readonly sessions: Set<KeptSession> }

/** Sessions with targets, shared by tries of the same origin and TLS identity. */
export type SessionPools = {
  /** A session that can carry one more stream; tries that come while it is being made wait for it. */
  take(attempt: UpstreamRequest): Promise<KeptSession>
  keepOnly(this: void, wanted: (origin: string) => boolean): void
  close(): void
}

/** Streams that a target takes when it does not say. */
const usualStreams = 100
const settings = { enablePush: false, initialWindowSize: 262_144 }

/** Opens the pools. A session on which the target says goodbye (GOAWAY) takes no more streams and ends after its last. */
export function openSessionPools(): SessionPools {
  const pools = new Map<string, Pool>()
  const opening = new Map<string, Promise<KeptSession>>()

  const keep = (key: string, origin: string, session: ClientHttp2Session): KeptSession => {
    const kept: KeptSession = { session, streams: 0 }
    const pool = pools.get(key) ?? { origin, sessions: new Set<KeptSession>() }
    pools.set(key, pool)
    pool.sessions.add(kept)
    session.on('error', () => undefined)
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
    const socket = await connectTarget(attempt, offer, attempt.timeouts.connect)
    if (attempt.offersHttp2 === true && (socket as TLSSocket).alpnProtocol !== 'h2') {
      socket.destroy()
      throw new OtherProtocol()
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
        for (const { session } of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL)
    },
  }
}

const hasRoom = ({ session, streams }: KeptSession): boolean =>
  !session.closed &&
  !session.destroyed &&
  streams < (session.remoteSettings.maxConcurrentStreams ?? usualStreams)

function originOf({ tls, target: { host, port } }: UpstreamRequest): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`
}
