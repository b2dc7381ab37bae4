import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'
import { guardedConnector, type RedisEndpoint } from './guarded-connector.ts'

/** Makes a client of a server, of the master that Sentinel names, or of a cluster, which is not connected yet. */
export const openClient = (address: RedisAddress, egress: Egress): Redis | Cluster =>
  isFilled(address.cluster_nodes) ? openCluster(address, egress) : openServer(address, egress)

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

/** Queries one Sentinel after the other for the master. */
async function findMaster(address: RedisAddress, egress: Egress): Promise<RedisEndpoint> {
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
      lastError = new Error(`Sentinel has no master '${master ?? ''}'`)
    } catch (error) {
      lastError ??= error as Error
    } finally {
      sentinel.disconnect()
    }
  }
  throw lastError ?? new Error('no Sentinel is configured')
}
