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
const freePerName = 30
const maxCounts = 100_000
const maxTrusted = 10_000
/** Milliseconds for which an address from which a name signed in does not share its limit over all addresses. */
const trustTime = 30 * 24 * 3600_000

/** Milliseconds after a number of failures: a user who knows the password waits no longer than the largest. */
const delayOfPair = (failures: number): number =>
  failures < freePerNameAndAddress
    ? 0
    : Math.min(1000 * 2 ** (failures - freePerNameAndAddress), 30_000)
const delayOfAddress = (failures: number): number => (failures < freePerAddress ? 0 : 6000)
/** One attempt every ten seconds over all addresses: a botnet guesses no faster, and no account is locked for good. */
const delayOfName = (failures: number): number => (failures < freePerName ? 0 : 10_000)

/**
 * Counts attempts per name and address, per address over all names, and per name over all addresses. Addresses from which a
 * name has signed in do not share the last limit, so that failures elsewhere do not lock its owner out. Names need not exist.
 */
export function openAttempts(clock: Clock): Attempts {
  const counts = new Map<string, Count>()
  /** When pairs of a name and an address last signed in. */
  const trusted = new Map<string, number>()
  const isTrusted = (pair: string): boolean =>
    clock.now() - (trusted.get(pair) ?? Number.NEGATIVE_INFINITY) < trustTime
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
      const pair = pairKey(name, address)
      const limits = [
        { count: countOf(pair), delayOf: delayOfPair },
        { count: countOf(address), delayOf: delayOfAddress },
        ...(name === '' || isTrusted(pair)
          ? []
          : [{ count: countOf(nameKey(name)), delayOf: delayOfName }]),
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
      const pair = pairKey(name, address)
      counts.delete(pair)
      trusted.delete(pair)
      trusted.set(pair, clock.now())
      if (trusted.size > maxTrusted) trusted.delete(trusted.keys().next().value ?? '')
      const known = countOf(address)
      known.failures = Math.max(0, known.failures - 1)
      known.next = 0
    },
  }
}

/** No address begins with a tab. */
const nameKey = (name: string): string => `\t${name}`

const pairKey = (name: string, address: string): string => `${address} ${name}`

const tooMany = (milliseconds: number): Problem =>
  new Problem('identity.attempts', 429, 'Too many attempts to sign in; try again later', {
    headers: { 'retry-after': String(Math.ceil(milliseconds / 1000)) },
  })
