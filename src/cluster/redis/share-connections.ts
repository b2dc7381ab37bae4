import type { Egress } from '../../lib/egress.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'
import { openRedisConnection, type RedisConnection } from './open-connection.ts'

/** A connection that is closed when the last that uses it releases it. */
export type SharedConnection = {
  readonly connection: RedisConnection
  readonly release: () => void
}

/** Leases connections, one for each address. */
export function shareConnections(egress: Egress): (address: RedisAddress) => SharedConnection {
  const connections = new Map<string, { readonly connection: RedisConnection; uses: number }>()
  return (address) => {
    const key = JSON.stringify(address)
    const known = connections.get(key) ?? {
      connection: openRedisConnection(address, egress),
      uses: 0,
    }
    known.uses += 1
    connections.set(key, known)
    const release = (): void => {
      known.uses -= 1
      if (known.uses > 0) return
      connections.delete(key)
      known.connection.close()
    }
    return { connection: known.connection, release }
  }
}
