import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'

/** Guards against guessing: so many failures in a window, then none for its rest. */
export type Attempts = {
  /** Counts an attempt before it is judged, so that parallel ones cannot slip through; refuses when there were too many. */
  enter(name: string, address: string): void
  /** Forgets the failures of a name at an address, because it proved to be right. */
  succeed(name: string, address: string): void
}

type Count = { count: number; readonly since: number }

const windowMilliseconds = 5 * 60_000
const maxPerNameAndAddress = 10
const maxPerAddress = 50
const maxCounts = 100_000

/** Opens the count of sign-in attempts per name and address, and per address over all names. */
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
