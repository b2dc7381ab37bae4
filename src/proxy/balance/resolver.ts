import { isIP } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { silentLog, type Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { LookupResult, Lookup } from './look-up-name.ts'

/** A cached name. */
export type NameEntry = {
  readonly name: string
  /** The last successful answer, possibly stale; undefined before the first one and after `staleUntil`. */
  answer: LookupResult | undefined
  /** The error of the last lookup; undefined after a success. */
  failure: unknown
  /** When the next lookup is due, in milliseconds since the epoch. */
  refreshAt: number
  /** When a stale answer is dropped if lookups still fail. */
  staleUntil: number
  /** The lookup in progress. */
  pending: Promise<void> | undefined
}

/** A DNS cache that serves stale answers while lookups fail (RFC 8767). */
export type Resolver = {
  /** Increases whenever the answer to a name changes, and when its first lookup fails. */
  readonly changes: number
  /** Returns the cached entry; starts a lookup in the background when one is due. */
  lookUp(name: string): NameEntry
  /** Keeps the answers to these names in the cache until each is released as often as it was retained. */
  retain(retained: Iterable<string>): void
  /** Removes from the cache what is not retained any more, and what was looked up without being retained. */
  release(released: Iterable<string>): void
}

/** Milliseconds. */
export const cachePeriods = {
  /** Time after its TTL for which an answer is still used while lookups fail. */
  stale: 3_600_000,
  /** TTL of a negative answer. */
  missing: 30_000,
  /** Wait between a failure and the next lookup. */
  failure: 1_000,
  /** Bounds of the TTL. */
  min: 1_000,
  max: 86_400_000,
}

export const unresolvedName = (cause: unknown): Problem =>
  new Problem('upstream.name', 503, 'name resolution failed', { cause })

/** Concurrent lookups of one name share one query. */
export function openResolver(lookUp: Lookup, clock: Clock, log: Log = silentLog): Resolver {
  const names = new Map<string, NameEntry>()
  const references = new Map<string, number>()
  /** Every cached name without references is among these. */
  const unused = new Set<string>()
  let changes = 0

  const refresh = async (entry: NameEntry): Promise<void> => {
    try {
      const found = await lookUp(entry.name)
      const ttl = Math.min(Math.max(found.ttl * 1000, cachePeriods.min), cachePeriods.max)
      if (!isSame(entry.answer, found)) changes += 1
      entry.answer = found
      entry.failure = undefined
      entry.refreshAt = clock.now() + ttl
      entry.staleUntil = entry.refreshAt + cachePeriods.stale
    } catch (error) {
      if (isUnknown(entry)) changes += 1
      entry.failure = error
      log.warn('dns: lookup failed', {
        host: entry.name,
        is_stale_used: entry.answer !== undefined,
        error,
      })
      const { code } = error as NodeJS.ErrnoException
      entry.refreshAt =
        clock.now() +
        (code === 'ENOTFOUND' || code === 'ENODATA' ? cachePeriods.missing : cachePeriods.failure)
    }
    entry.pending = undefined
  }
  return {
    get changes() {
      return changes
    },
    lookUp(name) {
      const now = clock.now()
      let entry = names.get(name)
      if (entry === undefined) {
        names.set(name, (entry = newEntry(name)))
        if (!references.has(name)) unused.add(name)
      }
      if (entry.answer !== undefined && now >= entry.staleUntil && entry.failure !== undefined) {
        entry.answer = undefined
        changes += 1
      }
      if (now >= entry.refreshAt) entry.pending ??= refresh(entry)
      return entry
    },
    retain(retained) {
      for (const name of retained) references.set(name, (references.get(name) ?? 0) + 1)
    },
    release(released) {
      for (const name of released) {
        const left = (references.get(name) ?? 0) - 1
        if (left > 0) references.set(name, left)
        else {
          references.delete(name)
          unused.add(name)
        }
      }
      for (const name of unused) if (!references.has(name)) names.delete(name)
      unused.clear()
    },
  }
}

const newEntry = (name: string): NameEntry => ({
  name,
  answer: undefined,
  failure: undefined,
  refreshAt: 0,
  staleUntil: 0,
  pending: undefined,
})

/** Whether neither an answer nor a failure is known yet. */
export const isUnknown = ({ answer, failure }: NameEntry): boolean =>
  answer === undefined && failure === undefined

const isSame = (before: LookupResult | undefined, after: LookupResult): boolean =>
  before !== undefined && JSON.stringify(before.addresses) === JSON.stringify(after.addresses)

/** The IP address in `host`, without brackets; undefined when `host` is a name. */
export function literalAddress(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : bare
}
