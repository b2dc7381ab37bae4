import type { Clock } from '../../lib/clock.ts'
import { uuidv7 } from '../../lib/ids.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'

/** Lets a flood of refusals of nobody known through as a few records and a count, so that who cannot come in cannot fill the disk. */
export type AuditThrottle = {
  /** What is to be kept now: the record, unless too many like it came; and the counts of floods that are over. */
  pass(record: AuditRecord): readonly AuditRecord[]
  /** The counts of all floods. */
  drain(): readonly AuditRecord[]
}

type Flood = { readonly since: number; passed: number; held: number; last: AuditRecord }

const windowMilliseconds = 60_000
const maxRecords = 60
const maxAddresses = 10_000

/** Opens the count of refusals by address. */
export function openAuditThrottle(clock: Clock): AuditThrottle {
  const floods = new Map<string, Flood>()
  const take = (isOver: (flood: Flood) => boolean): readonly AuditRecord[] => {
    const over = [...floods].filter(([, flood]) => isOver(flood))
    for (const [address] of over) floods.delete(address)
    return over.filter(([, { held }]) => held > 0).map(([, flood]) => summaryOf(flood, clock.now()))
  }
  return {
    pass(record) {
      const now = clock.now()
      const ended = take(({ since }) => now - since >= windowMilliseconds)
      if (record.principal !== null || record.allowed) return [...ended, record]
      // Beyond so many addresses at once they count as one.
      const isKnown = floods.has(record.address) || floods.size < maxAddresses
      const address = isKnown ? record.address : ''
      const flood = floods.get(address) ?? { since: now, passed: 0, held: 0, last: record }
      floods.set(address, flood)
      if (flood.passed < maxRecords) {
        flood.passed += 1
        return [...ended, record]
      }
      flood.held += 1
      flood.last = record
      return ended
    },
    drain: () => take(() => true),
  }
}

const summaryOf = ({ held, since, last }: Flood, time: number): AuditRecord => ({
  ...last,
  id: uuidv7(time),
  because: `${held} more requests of nobody known were refused from here since ${new Date(since).toISOString()}; this was the last of them.`,
})
