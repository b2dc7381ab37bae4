import { switchProtocol } from './switch-protocol.ts'
import { type PoolEvents, UpstreamConnection } from './upstream-connection.ts'
import { openTargetSocket, readyEvent } from '../tls/connect-target.ts'
import type { Try, UpstreamClient } from '../walk/ask-upstream.ts'

const sweepMilliseconds = 25

/** Speaks HTTP/1.1 to targets. Time limits are looked at every 25 milliseconds, which is how exact they are. */
export function openHttp1Client(): UpstreamClient {
  let now = performance.now()
  const pools = openPools(() => now)
  const sweeping = setInterval(() => {
    now = performance.now()
    pools.sweep(now)
  }, sweepMilliseconds)
  sweeping.unref()

  return {
    send(attempt) {
      if (attempt.upgrade !== '') return switchProtocol(attempt)
      return new Promise((resolve, reject) =>
        pools.take(attempt).send(attempt, { resolve, reject }),
      )
    },
    keepOnly: pools.keepOnly,
    close() {
      clearInterval(sweeping)
      pools.close()
      return Promise.resolve()
    },
  }
}

/** Kept connections, shared among tries of one target and of one TLS identity. */
export type Pools = {
  /** A connection for a try: the free one used last, or a new one. */
  take(attempt: Try): UpstreamConnection
  /** Ends tries that wait too long and connections that nobody used for long. */
  sweep(now: number): void
  /** Ends free connections to all other origins, and busy ones after their try. */
  keepOnly(this: void, wanted: (origin: string) => boolean): void
  close(): void
}

/** Free connections kept for each key, and for how long. */
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

/** Opens pools without a connection; `now` is a coarse clock in milliseconds. */
export function openPools(now: () => number): Pools {
  const pools = new Map<string, Pool>()
  /** The pool of each target that needs no TLS, found without putting its name together. */
  const plain = new WeakMap<object, Pool>()
  /** Those of retired origins too, for as long as they have connections. */
  const every = new Set<Pool>()
  const poolFor = (attempt: Try): Pool => {
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
    take(attempt) {
      const pool = poolFor(attempt)
      return pool.idle.pop() ?? connect(pool, attempt, now)
    },
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

function connect(pool: Pool, attempt: Try, now: () => number): UpstreamConnection {
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
    openTargetSocket(attempt, alpn),
    events,
    readyEvent(attempt),
  )
  pool.all.add(connection)
  return connection
}

const keyOf = ({ tls, target: { host, port } }: Try): string =>
  tls === undefined ? `${host}:${port}` : `${host}:${port} ${tls.identity}`

const originOf = ({ secure, target }: Try): string =>
  `${secure ? 'https' : 'http'}://${target.host}:${target.port}`
