import type { Cluster, Redis } from 'ioredis'
import type { Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'

/** A command with its arguments. */
export type RedisCommand = readonly [name: string, ...(string | number)[]]

/** A connection that is opened by the first command, and again by the first one after a failure. */
export type RedisConnection = {
  /** Rejects for a reply that is an error, after the timeout without one, and while Redis is unreachable. */
  call(command: RedisCommand): Promise<unknown>
  close(): void
}

type Client = Redis | Cluster

/** Milliseconds after a failed attempt in which commands fail at once, so that requests do not all wait for an unreachable Redis. */
const retryDelay = 500

const closed = (): Error => new Error('the connection to Redis is closed')

/** Opens a connection to a server, to the master that Sentinel names, or to a cluster, by what the address has. */
export function openRedisConnection(address: RedisAddress, egress: Egress): RedisConnection {
  let client: Client | undefined
  let opening: Promise<Client> | undefined
  let failed: { readonly at: number; readonly error: Error } | undefined
  let isClosed = false
  const open = async (): Promise<Client> => {
    // Loaded on demand, because most gateways do not count in Redis.
    const { openClient } = await import('./open-client.ts')
    if (isClosed) throw closed()
    const fresh = openClient(address, egress)
    let lastError: Error | undefined
    // Without a listener, ioredis prints errors; commands reject with them.
    fresh.on('error', (error: Error) => (lastError = error))
    fresh.on('node error', (error: Error) => (lastError = error))
    fresh.once('end', () => {
      if (client === fresh) [client, opening] = [undefined, undefined]
    })
    client = fresh
    try {
      await fresh.connect()
      if (lastError !== undefined) throw lastError
      const pong = await fresh.call('PING')
      if (pong !== 'PONG') throw new TypeError('the server does not speak the Redis protocol')
      return fresh
    } catch (cause) {
      fresh.disconnect()
      const reason = lastError ?? (cause as Error)
      const error = new Error(`cannot connect to Redis: ${reason.message}`, { cause: reason })
      failed = { at: performance.now(), error }
      if (client === fresh) [client, opening] = [undefined, undefined]
      throw error
    }
  }
  return {
    async call([name, ...words]) {
      if (isClosed) throw closed()
      const isPaused = failed !== undefined && performance.now() - failed.at < retryDelay
      if (opening === undefined && isPaused) throw failed?.error
      const live = await (opening ??= open())
      try {
        return await live.call(name, ...words)
      } catch (error) {
        const { name: kind, message } = error as Error
        if (kind !== 'ReplyError')
          throw new Error(`the connection to Redis was lost: ${message}`, { cause: error })
        // A master that became a replica; the next command finds the new one.
        if (message.startsWith('READONLY')) live.disconnect()
        throw error
      }
    },
    close() {
      isClosed = true
      client?.disconnect()
    },
  }
}
