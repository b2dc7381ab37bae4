import type { Clock } from '../lib/clock.ts'
import type { Egress } from '../lib/egress.ts'
import type { Log } from '../lib/log.ts'
import type {
  CounterSource,
  Counters,
  RedisAddress,
  CounterResult,
  Window,
} from '../proxy/plugin.ts'
import type { RedisCommand, RedisConnection } from './redis/open-connection.ts'
import { shareConnections } from './redis/share-connections.ts'

/** Opens counters in Redis, which all nodes with the same database share. */
export type OpenRedisCounters = (address: RedisAddress, syncRate: number) => CounterSource

export type RedisTools = {
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  readonly egress: Egress
}

/** Counters with the same address share one connection. */
export function redisCounters({ clock, log, egress }: RedisTools): OpenRedisCounters {
  const lease = shareConnections(egress)
  return (address, syncRate) => {
    const { connection, release } = lease(address)
    const direct: Counters = {
      take: (windows) => connection.call(takeCommand(windows, clock.now())).then(takenIn),
    }
    if (syncRate === realTime) return { ...direct, close: release }
    return openSyncedCounters({ connection, direct, syncRate, clock, log, release })
  }
}

/** The value of `sync_rate` for one Redis round trip per request. */
const realTime = -1

type SyncedOptions = {
  readonly connection: RedisConnection
  readonly direct: Counters
  /** Seconds. */
  readonly syncRate: number
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  readonly release: () => void
}

type Known = { readonly count: number; unsent: number; readonly endsAt: number }

/**
 * As Kong's `sync_rate`: the first request of a window reads its count from Redis, further ones are counted here, and
 * after `syncRate` seconds their number is sent and the counts are forgotten. Nodes can exceed a limit between two exchanges.
 */
function openSyncedCounters({
  connection,
  direct,
  syncRate,
  clock,
  log,
  release,
}: SyncedOptions): CounterSource {
  let known = new Map<string, Known>()
  let timer: NodeJS.Timeout | undefined
  const sync = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const sent = known
    known = new Map()
    const now = clock.now()
    const commands = [...sent]
      .filter(([, { unsent, endsAt }]) => unsent > 0 && endsAt > now)
      .map(([key, { unsent, endsAt }]) => addCommand(key, unsent, endsAt - now))
    try {
      await Promise.all(commands.map((command) => connection.call(command)))
    } catch (error) {
      log.error('rate-limiting: counts not sent to Redis', { windows: commands.length, error })
    }
  }
  const schedule = (): void => {
    timer ??= setTimeout(() => void sync(), syncRate * 1000).unref()
  }
  const takeKnown = (windows: readonly Window[]): CounterResult | undefined => {
    const states: Known[] = []
    for (const { key } of windows) {
      const state = known.get(key)
      if (state === undefined) return undefined
      states.push(state)
    }
    const admitted = states.every(
      ({ count, unsent }, index) => count + unsent < (windows[index]?.limit ?? 0),
    )
    for (const [index, state] of states.entries())
      if (admitted || windows[index]?.countsRefused === true)
        state.unsent += windows[index]?.cost ?? 1
    return { admitted, counts: states.map(({ count, unsent }) => count + unsent) }
  }
  return {
    take(windows) {
      const taken = takeKnown(windows)
      if (taken !== undefined) return taken
      return Promise.resolve(direct.take(windows)).then((read) => {
        for (const [index, { key, endsAt }] of windows.entries()) {
          const unsent = known.get(key)?.unsent ?? 0
          known.set(key, { count: read.counts[index] ?? 0, unsent, endsAt })
        }
        schedule()
        return read
      })
    },
    close() {
      void sync().finally(release)
    },
  }
}

/** Counts a request in all windows when none is full, else in those that count refused requests; runs as one step in Redis. The counts are returned after the verdict. */
const takeScript = `
local admitted = 1
local counts = {}
local carried = {}
local windows = #KEYS / 2
for i = 1, windows do
  local weight = tonumber(ARGV[5 * i - 2])
  carried[i] = 0
  if weight > 0 then carried[i] = math.ceil(weight * tonumber(redis.call('GET', KEYS[windows + i]) or '0')) end
  counts[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if counts[i] + carried[i] >= tonumber(ARGV[5 * i - 4]) then admitted = 0 end
end
for i = 1, windows do
  local cost = tonumber(ARGV[5 * i])
  if cost > 0 and (admitted == 1 or ARGV[5 * i - 1] == '1') then
    counts[i] = redis.call('INCRBY', KEYS[i], cost)
    if counts[i] == cost then redis.call('PEXPIRE', KEYS[i], ARGV[5 * i - 3]) end
  end
  counts[i] = counts[i] + carried[i]
end
return {admitted, unpack(counts)}`

const addScript = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count`

/** Windows end by the clock of Redis after the same time, so that the clocks need not agree. */
const takeCommand = (windows: readonly Window[], now: number): RedisCommand => [
  'EVAL',
  takeScript,
  2 * windows.length,
  ...windows.map(({ key }) => keyOf(key)),
  ...windows.map(({ key, previous }) => keyOf(previous?.key ?? key)),
  ...windows.flatMap(({ limit, endsAt, previous, countsRefused, cost }) => [
    limit,
    lifetime(endsAt - now),
    previous?.weight ?? 0,
    countsRefused === true ? 1 : 0,
    cost ?? 1,
  ]),
]

const addCommand = (key: string, count: number, milliseconds: number): RedisCommand => [
  'EVAL',
  addScript,
  1,
  keyOf(key),
  count,
  lifetime(milliseconds),
]

/** The key of a window. All windows of a caller have the same hash tag: a script may use keys of one slot of a cluster only. */
function keyOf(window: string): string {
  const [period = '', start = ''] = window.split(' ').slice(-2)
  const caller = window.slice(0, -`${period} ${start}`.length)
  return `weir:ratelimit:{${caller}}${period} ${start}`
}

/** A second longer than the window, for requests that are on their way when it ends. */
const lifetime = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds)) + 1000

function takenIn(reply: unknown): CounterResult {
  const numbers = Array.isArray(reply) ? (reply as readonly unknown[]) : []
  const [admitted, ...counts] = numbers.filter((one) => typeof one === 'number')
  if (admitted === undefined) throw new TypeError('Redis answered no counts')
  return { admitted: admitted === 1, counts }
}
