import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'

/** Slows down failed sign-ins. */
export type Attempts = {
  /** Counts an attempt before it is verified, so that concurrent ones cannot bypass the limit; throws 429 when it comes too early after others. */
  enter(name: string, address: string): void
  /** Resets the failures of a name at an address. */
  succeed(name: string, address: string): void
}

/** Attempts in a row, and when the next one is accepted. */
type Count = { failures: number; last: number; next: number }

/** Milliseconds without attempts after which they are forgotten. */
const memory = 5 * 60_000
const freePerNameAndAddress = 5
const freePerAddress = 50
const maxCounts = 100_000

/** Milliseconds after a number of failures: a user who knows the password waits no longer than the largest. */
const delayOfPair = (failures: number): number =>
  failures < freePerNameAndAddress
    ? 0
    : Math.min(1000 * 2 ** (failures - freePerNameAndAddress), 30_000)
const delayOfAddress = (failures: number): number => (failures < freePerAddress ? 0 : 6000)

/** Counts attempts per name and address, and per address over all names: failures slow down only their own address. */
export function openAttempts(clock: Clock): Attempts {
  const counts = new Map<string, Count>()
  const countOf = (key: string): Count => {
    const known = counts.get(key)
    if (known !== undefined && clock.now() - known.last < memory) return known
    const fresh = { failures: 0, last: clock.now(), next: 0 }
    counts.delete(key)
    counts.set(key, fresh)
    if (counts.size > maxCounts) counts.delete(counts.keys().next().value ?? '')
    return fresh
  }
  return {
    enter(name, address) {
      const now = clock.now()
      const limits = [
        { count: countOf(pairKey(name, address)), delayOf: delayOfPair },
        { count: countOf(address), delayOf: delayOfAddress },
      ]
      const next = Math.max(...limits.map(({ count }) => count.next))
      if (now < next) throw tooMany(next - now)
      for (const { count, delayOf } of limits) {
        count.failures += 1
        count.last = now
        count.next = now + delayOf(count.failures)
      }
    },
    succeed(name, address) {
      counts.delete(pairKey(name, address))
      const known = countOf(address)
      known.failures = Math.max(0, known.failures - 1)
      known.next = 0
    },
  }
}

const pairKey = (name: string, address: string): string => `${address} ${name}`

const tooMany = (milliseconds: number): Problem =>
  new Problem('identity.attempts', 429, 'Too many attempts to sign in; try again later', {
    headers: { 'retry-after': String(Math.ceil(milliseconds / 1000)) },
  })
