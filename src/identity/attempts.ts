import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'

/** Rate limit for failed sign-ins. */
export type Attempts = {
  /** Counts an attempt before it is verified, so that concurrent ones cannot bypass the limit; throws 429 beyond it. */
  enter(name: string, address: string): void
  /** Resets the failures of a name at an address. */
  succeed(name: string, address: string): void
}

type Count = { count: number; readonly since: number }

const windowMilliseconds = 5 * 60_000
const maxPerNameAndAddress = 10
const maxPerAddress = 50
const maxCounts = 100_000

/** Counts attempts per name and address, and per address over all names. */
export function openAttempts(clock: Clock): Attempts {
  const counts = new Map<string, Count>()
  const countOf = (key: string): Count => {
    const known = counts.get(key)
    if (known !== undefined && clock.now() - known.since < windowMilliseconds) return known
    const fresh = { count: 0, since: clock.now() }
    counts.delete(key)
    counts.set(key, fresh)
    if (counts.size > maxCounts) counts.delete(counts.keys().next().value ?? '')
    return fresh
  }
  return {
    enter(name, address) {
      for (const [key, max] of [
        [pairKey(name, address), maxPerNameAndAddress],
        [address, maxPerAddress],
      ] as const) {
        const known = countOf(key)
        if (known.count >= max) throw tooMany(known.since + windowMilliseconds - clock.now())
        known.count += 1
      }
    },
    succeed(name, address) {
      counts.delete(pairKey(name, address))
      const known = countOf(address)
      known.count = Math.max(0, known.count - 1)
    },
  }
}

const pairKey = (name: string, address: string): string => `${address} ${name}`

const tooMany = (milliseconds: number): Problem =>
  new Problem('identity.attempts', 429, 'Too many attempts to sign in; try again later', {
    headers: { 'retry-after': String(Math.ceil(milliseconds / 1000)) },
  })
