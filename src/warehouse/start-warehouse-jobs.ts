import type { Log } from '../lib/log.ts'
import type { Warehouse } from './open-warehouse.ts'

/** Milliseconds between two searches for completed units. */
const interval = 15_000

/** Builds rollups, and finishes erasures that were interrupted; the returned function stops after the unit that is being built. */
export function startWarehouseJobs(
  { rollups, erasures }: Pick<Warehouse, 'rollups' | 'erasures'>,
  log: Log,
): () => Promise<void> {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  const refresh = (): void => {
    running ??= rollups
      .refresh(stopping.signal)
      .then(
        (count) => {
          if (count > 0) log.info('warehouse: rollups built', { units: count })
        },
        (error: unknown) => log.warn('warehouse: rollups not built, retrying', { error }),
      )
      .then(erasures.resume)
      .then(
        (count) => {
          if (count > 0) log.info('warehouse: erasures finished', { erasures: count })
        },
        (error: unknown) => log.warn('warehouse: erasures not finished, retrying', { error }),
      )
      .finally(() => (running = undefined))
  }
  const timer = setInterval(refresh, interval)
  timer.unref()
  return async () => {
    clearInterval(timer)
    stopping.abort()
    await running
  }
}
