import type { Clock } from '../../lib/clock.ts'
import { uuidv7 } from '../../lib/ids.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'

/** Limits audit records of unauthenticated refusals per client address, so that a flood cannot fill the disk. Suppressed records are counted in a summary record. */
export type AuditThrottle = {
  /** The records to write now: the given one unless its address is over the limit, and summaries of windows that have ended. */
  pass(record: AuditRecord): readonly AuditRecord[]
  /** Ends all windows and returns their summaries. */
  drain(): readonly AuditRecord[]
}

type Window = { readonly since: number; passed: number; suppressed: number; last: AuditRecord }

const windowMilliseconds = 60_000
const maxRecordsPerWindow = 60
const maxAddresses = 10_000

export function openAuditThrottle(clock: Clock): AuditThrottle {
  const windows = new Map<string, Window>()
  const takeSummaries = (isOver: (window: Window) => boolean): readonly AuditRecord[] => {
    const over = [...windows].filter(([, window]) => isOver(window))
    for (const [address] of over) windows.delete(address)
    return over
      .filter(([, { suppressed }]) => suppressed > 0)
      .map(([, window]) => summaryOf(window, clock.now()))
  }
  return {
    pass(record) {
      const now = clock.now()
      const ended = takeSummaries(({ since }) => now - since >= windowMilliseconds)
      if (record.principal !== null || record.allowed) return [...ended, record]
      // Beyond maxAddresses, all further addresses share one window.
      const isKnown = windows.has(record.address) || windows.size < maxAddresses
      const address = isKnown ? record.address : ''
      const window = windows.get(address) ?? { since: now, passed: 0, suppressed: 0, last: record }
      windows.set(address, window)
      if (window.passed < maxRecordsPerWindow) {
        window.passed += 1
        return [...ended, record]
      }
      window.suppressed += 1
      window.last = record
      return ended
    },
    drain: () => takeSummaries(() => true),
  }
}

const summaryOf = ({ suppressed, since, last }: Window, time: number): AuditRecord => ({
  ...last,
  id: uuidv7(time),
  because: `${suppressed} more unauthenticated requests from this address were refused since ${new Date(since).toISOString()}; this was the last.`,
})
