import { isIP } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { silentLog, type Log } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { Found, Lookup } from './look-up-name.ts'

/** What is known of a name. */
export type KnownName = {
  readonly name: string
  /** The last good answer, also when it is out of date; undefined before there is one, or when it is too old. */
  answer: Found | undefined
  /** Why there is no newer answer. */
  failure: unknown
  /** When to ask again, in milliseconds since the epoch. */
  dueAt: number
  /** When the answer is too old to be used even though there is no newer one. */
  lostAt: number
  /** There while somebody asks. */
  asking: Promise<void> | undefined
}

/** Remembers names for as long as their answers say, and longer while there is no newer answer. */
export type Resolver = {
  /** Grows whenever the answer to a name changes. */
  readonly changes: number
  /** What is known of a name; asks in the background when that is out of date. */
  look(name: string): KnownName
  /** Forgets all other names. */
  keepOnly(wanted: ReadonlySet<string>): void
}

/** How long answers are kept, in milliseconds. */
export const keptFor = {
  /** Beyond its time to live while no newer answer can be had. */
  stale: 3_600_000,
  /** That a name does not exist. */
  missing: 30_000,
  /** That no name server answered. */
  failure: 1_000,
  /** At least, so that a time to live of 0 does not make a storm. */
  least: 1_000,
  most: 86_400_000,
}

/** A name has no address. */
export const unresolvedName = (cause: unknown): Problem =>
  new Problem('upstream.name', 503, 'name resolution failed', { cause })

/** Opens a resolver over `lookUp`; of a name that is asked for by many at a time it asks once. */
export function openResolver(lookUp: Lookup, clock: Clock, log: Log = silentLog): Resolver {
  const names = new Map<string, KnownName>()
  let changes = 0

  const ask = async (known: KnownName): Promise<void> => {
    try {
      const found = await lookUp(known.name)
      const lifetime = Math.min(Math.max(found.ttl * 1000, keptFor.least), keptFor.most)
      if (!isSame(known.answer, found)) changes += 1
      known.answer = found
      known.failure = undefined
      known.dueAt = clock.now() + lifetime
      known.lostAt = known.dueAt + keptFor.stale
    } catch (error) {
      known.failure = error
      log.warn('dns: lookup failed', {
        host: known.name,
        is_stale_used: known.answer !== undefined,
        error,
      })
      const { code } = error as NodeJS.ErrnoException
      known.dueAt =
        clock.now() +
        (code === 'ENOTFOUND' || code === 'ENODATA' ? keptFor.missing : keptFor.failure)
    }
    known.asking = undefined
  }
  return {
    get changes() {
      return changes
    },
    look(name) {
      const now = clock.now()
      let known = names.get(name)
      if (known === undefined) names.set(name, (known = unknown(name)))
      if (known.answer !== undefined && now >= known.lostAt && known.failure !== undefined) {
        known.answer = undefined
        changes += 1
      }
      if (now >= known.dueAt) known.asking ??= ask(known)
      return known
    },
    keepOnly(wanted) {
      for (const name of names.keys()) if (!wanted.has(name)) names.delete(name)
    },
  }
}

const unknown = (name: string): KnownName => ({
  name,
  answer: undefined,
  failure: undefined,
  dueAt: 0,
  lostAt: 0,
  asking: undefined,
})

const isSame = (before: Found | undefined, after: Found): boolean =>
  before !== undefined && JSON.stringify(before.addresses) === JSON.stringify(after.addresses)

/** The address in a host that is one, without brackets; undefined for a name. */
export function literalAddress(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : bare
}
