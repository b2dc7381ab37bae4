import type { Egress } from '../../lib/egress.ts'
import { switchProtocol } from './switch-protocol.ts'
import { type PoolEvents, UpstreamConnection } from './upstream-connection.ts'
import { isIdempotent } from '../exchange.ts'
import { openTargetSocket, readyEvent } from '../tls/connect-target.ts'
import type { UpstreamRequest, UpstreamClient } from '../walk/ask-upstream.ts'

const sweepMilliseconds = 25

/** The HTTP/1.1 upstream client. Timeouts are checked every 25 milliseconds. */
export function openHttp1Client(egress: Egress): UpstreamClient {
  let now = performance.now()
  const pools = openPools(() => now, egress)
  const sweeping = setInterval(() => {
    now = performance.now()
    pools.sweep(now)
  }, sweepMilliseconds)
  sweeping.unref()

  return {
    send(attempt) {
      if (attempt.upgrade !== '') return switchProtocol(attempt, egress)
      return new Promise((resolve, reject) => {
        const kept = pools.takeIdle(attempt)
        if (kept === undefined) return pools.connect(attempt).send(attempt, { resolve, reject })
        kept.send(attempt, {
          resolve,
          // As in nginx, independent of the retries of the service: the target may have closed it at the same moment.
          reject(error, isClosed) {
            const mayRepeat = isIdempotent(attempt.method) && attempt.body.replayable
            if (isClosed !== true || !mayRepeat) reject(error)
            else pools.connect(attempt).send(attempt, { resolve, reject })
          },
        })
      })
    },
    keepOnly: pools.keepOnly,
    close() {
      clearInterval(sweeping)
      pools.close()
      return Promise.resolve()
    },
  }
}

/** Connection pools, one for each target and TLS identity. */
export type Pools = {
  /** The most recently used idle connection. */
  takeIdle(attempt: UpstreamRequest): UpstreamConnection | undefined
  /** A new connection. */
  connect(attempt: UpstreamRequest): UpstreamConnection
  /** Applies the timeouts of attempts and of idle connections. */
  sweep(now: number): void
  /** Closes idle connections to other origins, and busy ones after their exchange. */
  keepOnly(this: void, wanted: (origin: string) => boolean): void
  close(): void
}

/** Limits of idle connections for each key. */
const maxIdleConnections = 512
const idleMilliseconds = 60_000
const alpn = ['http/1.1']

type Pool = {
  readonly key: string
  readonly origin: string
  readonly idle: UpstreamConnection[]
  readonly all: Set<UpstreamConnection>
  isKept: boolean
}

/** `now` is a coarse clock in milliseconds. */
export function openPools(now: () => number, egress: Egress): Pools {
  const pools = new Map<string, Pool>()
  /** Pools of targets without TLS, found without building a key. */
  const plain = new WeakMap<object, Pool>()
  /** All pools that have connections, also of removed origins. */
  const every = new Set<Pool>()
  const poolFor = (attempt: UpstreamRequest): Pool => {
    const known = attempt.tls === undefined ? plain.get(attempt.target) : undefined
    if (known?.isKept === true) return known
    const key = keyOf(attempt)
    let pool = pools.get(key)
    if (pool === undefined) {
      pool = { key, origin: originOf(attempt), idle: [], all: new Set(), isKept: true }
      pools.set(key, pool)
      every.add(pool)
    }
    if (attempt.tls === undefined) plain.set(attempt.target, pool)
    return pool
  }
  const retire = (key: string, pool: Pool): void => {
    pools.delete(key)
    pool.isKept = false
    for (const connection of pool.idle.splice(0)) connection.destroy()
  }
  return {
    takeIdle: (attempt) => poolFor(attempt).idle.pop(),
    connect: (attempt) => connect(poolFor(attempt), attempt, now, egress),
    sweep(at) {
      for (const pool of every) {
        for (const connection of pool.all) {
          const { idleSince } = connection
          if (idleSince !== undefined && at - idleSince > idleMilliseconds) connection.destroy()
          else connection.sweep(at)
        }
        if (pool.all.size > 0) continue
        every.delete(pool)
        if (pool.isKept) pools.delete(pool.key)
        pool.isKept = false
      }
    },
    keepOnly(wanted) {
      for (const [key, pool] of pools) if (!wanted(pool.origin)) retire(key, pool)
    },
    close() {
      for (const { all } of every) for (const connection of all) connection.destroy()
    },
  }
}

function connect(
  pool: Pool,
  attempt: UpstreamRequest,
  now: () => number,
  egress: Egress,
): UpstreamConnection {
  const events: PoolEvents = {
    now,
    onIdle(free) {
      if (pool.isKept && pool.idle.length < maxIdleConnections) pool.idle.push(free)
      else free.destroy()
    },
    onClosed(closed) {
      pool.all.delete(closed)
      const at = pool.idle.indexOf(closed)
      if (at >= 0) pool.idle.splice(at, 1)
    },
  }
  const connection = new UpstreamConnection(
    openTargetSocket(attempt, alpn, egress),
    events,
    readyEvent(attempt),
  )
  pool.all.add(connection)
  return connection
}

const keyOf = ({ tls, target: { host, port } }: UpstreamRequest): string =>
  tls === undefined ? `${host}:${port}` : `${host}:${port} ${tls.identity}`

const originOf = ({ secure, target }: UpstreamRequest): string =>
  `${secure ? 'https' : 'http'}://${target.host}:${target.port}`
