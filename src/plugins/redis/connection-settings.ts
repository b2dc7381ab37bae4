import { z } from 'zod'
import { optional } from '../../entities/fields.ts'
import { partialKinds } from '../../entities/redis-settings.ts'
import type { RedisAddress } from '../../proxy/plugin.ts'

/** A setting of other versions of Kong: absent unless set, and not listed in schemas. */
const unlisted = <T extends z.ZodType>(type: T) =>
  type.nullable().optional().meta({ isUnlisted: true })

const address = z.string().regex(/^[^\s:]+:\d{1,5}$/, { error: 'expected host:port' })

/** Settings of Kong Enterprise for a connection to Redis, with their deprecated forms. */
export const connectionFields = {
  ...partialKinds['redis-ee'].settings.shape,
  timeout: unlisted(z.int().min(0)).describe('Deprecated name of the three timeouts.'),
  cluster_addresses: optional(z.array(address)).describe(
    'Deprecated form of `cluster_nodes`: host:port.',
  ),
  sentinel_addresses: optional(z.array(address)).describe(
    'Deprecated form of `sentinel_nodes`: host:port.',
  ),
  redis_proxy_type: unlisted(z.string()).describe('Accepted for Kong.'),
}

const settings = z.strictObject(connectionFields)

export function addressOf(redis: z.output<typeof settings>): RedisAddress {
  const { cluster_addresses: cluster, sentinel_addresses: sentinel, ...others } = redis
  return {
    ...others,
    timeout: redis.timeout ?? redis.connect_timeout,
    cluster_nodes: redis.cluster_nodes ?? cluster?.map((text) => nodeAt(text, 'ip')),
    sentinel_nodes: redis.sentinel_nodes ?? sentinel?.map((text) => nodeAt(text, 'host')),
  }
}

function nodeAt(text: string, name: 'ip' | 'host') {
  const colon = text.lastIndexOf(':')
  return { [name]: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}
