import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import type { Try, UpstreamClient } from '../ask-upstream.ts'
import { switchProtocol } from './switch-protocol.ts'
import { UpstreamConnection, type PoolEvents } from './upstream-connection.ts'

/** Free connections kept for each origin, and for how long. */
const mostFree = 512
const freeMilliseconds = 60_000
const sweepMilliseconds = 25

type Pool = {
  readonly origin: string
  readonly free: UpstreamConnection[]
  readonly all: Set<UpstreamConnection>
}

/** Speaks HTTP/1.1 to targets over kept connections, the one used last taken first. */
export function openUpstreamClient(): UpstreamClient {
  const pools = new Map<string, Pool>()
  let now = performance.now()

  const poolFor = (origin: string): Pool => {
    const known = pools.get(origin)
    if (known !== undefined) return known
    const pool = { origin, free: [], all: new Set<UpstreamConnection>() }
    pools.set(origin, pool)
    return pool
  }
  const eventsOf = (pool: Pool): PoolEvents => ({
    onFree(connection) {
      if (pool.free.length < mostFree && pools.get(pool.origin) === pool) pool.free.push(connection)
      else connection.destroy()
    },
    onClosed(connection) {
      pool.all.delete(connection)
      const at = pool.free.indexOf(connection)
      if (at >= 0) pool.free.splice(at, 1)
    },
    now: () => now,
  })
  const connect = (pool: Pool, attempt: Try): UpstreamConnection => {
    const connection = new UpstreamConnection(
      openSocket(attempt),
      eventsOf(pool),
      attempt.secure ? 'secureConnect' : 'connect',
    )
    pool.all.add(connection)
    return connection
  }
  const sweep = (): void => {
    now = performance.now()
    for (const [key, pool] of pools) {
      for (const connection of pool.all) {
        const { freeSince } = connection
        if (freeSince !== undefined && now - freeSince > freeMilliseconds) connection.destroy()
        else connection.sweep(now)
      }
      if (pool.all.size === 0) pools.delete(key)
    }
  }
  const sweeping = setInterval(sweep, sweepMilliseconds)
  sweeping.unref()

  return {
    send(attempt) {
      if (attempt.upgrade !== '') return switchProtocol(attempt)
      return new Promise((resolve, reject) => {
        const pool = poolFor(originOf(attempt))
        const connection = pool.free.pop() ?? connect(pool, attempt)
        connection.send(attempt, { resolve, reject })
      })
    },
    keepOnly(wanted) {
      for (const [key, pool] of pools) {
        if (wanted(pool.origin)) continue
        pools.delete(key)
        for (const connection of pool.free.splice(0)) connection.destroy()
      }
    },
    close() {
      clearInterval(sweeping)
      for (const { all } of pools.values()) for (const connection of all) connection.destroy()
      return Promise.resolve()
    },
  }
}

const originOf = ({ secure, target }: Try): string =>
  `${secure ? 'https' : 'http'}://${target.host}:${target.port}`

function openSocket({ secure, target: { host, port } }: Try): Socket {
  const name = host.replace(/^\[|\]$/g, '')
  if (!secure) return net.connect({ host: name, port })
  return tls.connect({
    host: name,
    port,
    ALPNProtocols: ['http/1.1'],
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
  })
}
