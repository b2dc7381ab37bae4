import type { Configuration, Current } from '../control/configuration.ts'
import type { Entry } from '../entities/entry.ts'
import type { Log } from '../lib/log.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'

/** The days of workspaces that have a retention of their own. */
export function retentionIn({ entries }: Pick<Current, 'entries'>): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { id, fields } of workspacesIn(entries)) {
    const { retention_days: days } = fields
    if (typeof days === 'number') found.set(id, days)
  }
  return found
}

const workspacesIn = (entries: Current['entries']): Iterable<Entry<'workspace'>> =>
  (entries.get('workspace')?.values() ?? []) as Iterable<Entry<'workspace'>>

/** Milliseconds until a failed change is retried. */
const retryAfter = 30_000

/** Applies changes of retention to the warehouse; the returned function stops that. */
export function followRetention(
  configuration: Pick<Configuration, 'current' | 'onPublish'>,
  warehouse: Pick<Warehouse, 'keepWorkspaces'>,
  log: Log,
): () => Promise<void> {
  let seen = configuration.current().entries.get('workspace')
  let applied = retentionIn(configuration.current())
  let running = Promise.resolve()
  let retry: NodeJS.Timeout | undefined

  const apply = async (): Promise<void> => {
    clearTimeout(retry)
    const days = retentionIn(configuration.current())
    if (isEqual(days, applied)) return
    try {
      await warehouse.keepWorkspaces(days)
      applied = days
    } catch (error) {
      log.warn('warehouse: retention of workspaces not applied, retrying', { error })
      retry = setTimeout(enqueue, retryAfter).unref()
    }
  }
  const enqueue = (): void => {
    running = running.then(apply)
  }
  const unsubscribe = configuration.onPublish(({ entries }) => {
    // Changes of other entities leave the map of workspaces as it is.
    if (entries.get('workspace') === seen) return
    seen = entries.get('workspace')
    enqueue()
  })
  return async () => {
    unsubscribe()
    clearTimeout(retry)
    await running
  }
}

const isEqual = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean =>
  one.size === other.size && [...one].every(([id, days]) => other.get(id) === days)
