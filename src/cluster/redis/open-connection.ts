import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'
import { guardedConnector, type Place } from './guarded-connector.ts'

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

/** Opens a connection to a server, to the master that Sentinel names, or to a cluster, by what the address has. */
export function openRedisConnection(address: RedisAddress, egress: Egress): RedisConnection {
  let client: Client | undefined
  let opening: Promise<Client> | undefined
  let failed: { readonly at: number; readonly error: Error } | undefined
  let isClosed = false
  const open = async (): Promise<Client> => {
    const fresh = isFilled(address.cluster_nodes)
      ? openCluster(address, egress)
      : openServer(address, egress)
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
      if (pong !== 'PONG') throw new TypeError('the server does not answer as Redis does')
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
      if (isClosed) throw new Error('the connection to Redis is closed')
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

const isFilled = (nodes: readonly unknown[] | null | undefined): boolean =>
  nodes !== null && nodes !== undefined && nodes.length > 0

/** A failed connection is not opened again by itself, and no command is sent twice: a count could be added twice. */
function optionsOf(address: RedisAddress) {
  const { username, password, timeout, connect_timeout: connect, read_timeout: read } = address
  return {
    lazyConnect: true,
    connectTimeout: connect ?? timeout,
    // Ends a connection on which a reply is missing, so that later commands do not wait for it too.
    socketTimeout: read ?? timeout,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
    ...(username === null ? {} : { username }),
    ...(password === null || password === '' ? {} : { password }),
  } satisfies RedisOptions
}

function openServer(address: RedisAddress, egress: Egress): Redis {
  const { host, port, database } = address
  const find = isFilled(address.sentinel_nodes) ? () => findMaster(address, egress) : undefined
  return new Redis({
    ...optionsOf(address),
    host: host ?? '127.0.0.1',
    port,
    db: database,
    Connector: guardedConnector(address, egress, find),
  })
}

function openCluster(address: RedisAddress, egress: Egress): Cluster {
  const { retryStrategy: _retry, ...redisOptions } = optionsOf(address)
  const nodes = (address.cluster_nodes ?? []).map(({ ip = '', port }) => ({ host: ip, port }))
  return new Cluster(nodes, {
    lazyConnect: true,
    clusterRetryStrategy: null,
    maxRedirections: address.cluster_max_redirections ?? 5,
    slotsRefreshTimeout: address.connect_timeout ?? address.timeout,
    enableReadyCheck: false,
    // Names are resolved when a connection is opened, where the addresses are checked.
    dnsLookup: (name, answer) => answer(null, name),
    redisOptions: { ...redisOptions, Connector: guardedConnector(address, egress) },
  })
}

/** Asks one Sentinel after the other for the master. */
async function findMaster(address: RedisAddress, egress: Egress): Promise<Place> {
  const { sentinel_nodes: nodes, sentinel_master: master } = address
  let lastError: Error | undefined
  for (const { host = '', port } of nodes ?? []) {
    const sentinel = new Redis({
      ...optionsOf({
        ...address,
        username: address.sentinel_username ?? null,
        password: address.sentinel_password ?? null,
      }),
      host,
      port,
      Connector: guardedConnector(address, egress),
    })
    sentinel.on('error', (error: Error) => (lastError = error))
    try {
      await sentinel.connect()
      const found = await sentinel.call('SENTINEL', 'get-master-addr-by-name', master ?? '')
      if (Array.isArray(found)) return { host: String(found[0]), port: Number(found[1]) }
      lastError = new Error(`Sentinel knows no master '${master ?? ''}'`)
    } catch (error) {
      lastError ??= error as Error
    } finally {
      sentinel.disconnect()
    }
  }
  throw lastError ?? new Error('no Sentinel is configured')
}
