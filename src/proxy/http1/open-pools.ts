import type { UpstreamRequest } from '../walk/ask-upstream.ts'
import { openTargetSocket, readyEvent } from '../tls/open-target-socket.ts'
import { UpstreamConnection, type PoolEvents } from './upstream-connection.ts'

/** Kept connections, shared among tries of one target and of one TLS identity. */
export type Pools = {
  /** A connection for a try: the free one used last, or a new one. */
  take(attempt: UpstreamRequest): UpstreamConnection
  /** Ends tries that wait too long and connections that nobody used for long. */
  sweep(now: number): void
  /** Ends free connections to all other origins, and busy ones after their try. */
  keepOnly(this: void, wanted: (origin: string) => boolean): void
  close(): void
}

/** Free connections kept for each key, and for how long. */
const mostFree = 512
const freeMilliseconds = 60_000
const alpn = ['http/1.1']

type Pool = {
  readonly key: string
  readonly origin: string
  readonly free: UpstreamConnection[]
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
  const poolFor = (attempt: UpstreamRequest): Pool => {
    const known = attempt.tls === undefined ? plain.get(attempt.target) : undefined
    if (known?.isKept === true) return known
    const key = keyOf(attempt)
    let pool = pools.get(key)
    if (pool === undefined) {
      pool = { key, origin: originOf(attempt), free: [], all: new Set(), isKept: true }
      pools.set(key, pool)
      every.add(pool)
    }
    if (attempt.tls === undefined) plain.set(attempt.target, pool)
    return pool
  }
  const retire = (key: string, pool: Pool): void => {
    pools.delete(key)
    pool.isKept = false
    for (const connection of pool.free.splice(0)) connection.destroy()
  }
  return {
    take(attempt) {
      const pool = poolFor(attempt)
      return pool.free.pop() ?? connect(pool, attempt, now)
    },
    sweep(at) {
      for (const pool of every) {
        for (const connection of pool.all) {
          const { freeSince } = connection
          if (freeSince !== undefined && at - freeSince > freeMilliseconds) connection.destroy()
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

function connect(pool: Pool, attempt: UpstreamRequest, now: () => number): UpstreamConnection {
  const events: PoolEvents = {
    now,
    onFree(free) {
      if (pool.isKept && pool.free.length < mostFree) pool.free.push(free)
      else free.destroy()
    },
    onClosed(closed) {
      pool.all.delete(closed)
      const at = pool.free.indexOf(closed)
      if (at >= 0) pool.free.splice(at, 1)
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

const keyOf = ({ tls, target: { host, port } }: UpstreamRequest): string =>
  tls === undefined ? `${host}:${port}` : `${host}:${port} ${tls.identity}`

const originOf = ({ secure, target }: UpstreamRequest): string =>
  `${secure ? 'https' : 'http'}://${target.host}:${target.port}`
