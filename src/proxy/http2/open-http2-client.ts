import http2, { constants, type ClientHttp2Session } from 'node:http2'
import type { Answer, Try, UpstreamClient } from '../ask-upstream.ts'
import { connectTarget } from '../tls/connect-target.ts'
import { sendStream } from './send-stream.ts'

type Session = { readonly session: ClientHttp2Session; streams: number }

/** Speaks HTTP/2 to targets. Sessions are kept and shared; one that the target says goodbye on (GOAWAY) takes no more streams and ends after its last. */
export function openHttp2Client(): UpstreamClient {
  const pools = new Map<string, { readonly origin: string; readonly sessions: Set<Session> }>()
  const connecting = new Map<string, Promise<Session>>()

  const free = (key: string): Session | undefined => {
    for (const kept of pools.get(key)?.sessions ?? []) {
      const most = kept.session.remoteSettings.maxConcurrentStreams ?? 100
      if (!kept.session.closed && !kept.session.destroyed && kept.streams < most) return kept
    }
    return undefined
  }
  const open = async (key: string, attempt: Try): Promise<Session> => {
    const socket = await connectTarget(attempt, ['h2'], attempt.timeouts.connect)
    const origin = originOf(attempt)
    const session = http2.connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: 262_144 },
    })
    const kept: Session = { session, streams: 0 }
    const pool = pools.get(key) ?? { origin, sessions: new Set<Session>() }
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
  /** Tries that come while a session is being made wait for it rather than making their own. */
  const take = async (attempt: Try): Promise<Session> => {
    const key = `${originOf(attempt)} ${attempt.tls?.identity ?? ''}`
    for (;;) {
      const found = free(key)
      if (found !== undefined) return found
      const pending = connecting.get(key)
      if (pending === undefined) {
        const opening = open(key, attempt).finally(() => connecting.delete(key))
        connecting.set(key, opening)
        return opening
      }
      await pending
    }
  }
  return {
    async send(attempt): Promise<Answer> {
      const kept = await take(attempt)
      kept.streams += 1
      kept.session.ref()
      return sendStream(kept.session, attempt, () => {
        kept.streams -= 1
        if (kept.streams === 0 && !kept.session.destroyed) kept.session.unref()
      })
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
      return Promise.resolve()
    },
  }
}

const originOf = ({ tls, target: { host, port } }: Try): string =>
  `${tls === undefined ? 'http' : 'https'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
