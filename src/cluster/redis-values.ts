import type { Egress } from '../lib/egress.ts'
import type { RedisAddress, ValueSource } from '../proxy/plugin.ts'
import { shareConnections } from './redis/share-connections.ts'

/** Opens values in Redis, which all nodes with the same database share. Keys begin with `prefix`. */
export type OpenRedisValues = (address: RedisAddress, prefix: string) => ValueSource

export function redisValues(egress: Egress): OpenRedisValues {
  const lease = shareConnections(egress)
  return (address, prefix) => {
    const { connection, release } = lease(address)
    return {
      async get(key) {
        const found = await connection.call(['GET', prefix + key])
        return typeof found === 'string' ? found : undefined
      },
      async set(key, value, milliseconds) {
        await connection.call(['SET', prefix + key, value, 'PX', lifetime(milliseconds)])
      },
      async add(key, value, milliseconds) {
        const set = ['SET', prefix + key, value, 'PX', lifetime(milliseconds), 'NX'] as const
        return (await connection.call(set)) === 'OK'
      },
      async extend(key, milliseconds) {
        await connection.call(['PEXPIRE', prefix + key, lifetime(milliseconds)])
      },
      async delete(key) {
        await connection.call(['DEL', prefix + key])
      },
      close: release,
    }
  }
}

const lifetime = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds))
