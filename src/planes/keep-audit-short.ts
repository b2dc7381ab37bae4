import type { Ledger } from '../control/open-ledger.ts'
import type { Clock } from '../lib/clock.ts'

const day = 24 * 60 * 60_000

/** Removes records of the audit log that are older than it is kept, now and every day; returns how to stop. */
export function keepAuditShort(
  ledger: Ledger,
  { days, clock, report }: { days: number; clock: Clock; report: (error: unknown) => void },
): () => void {
  const prune = (): void => void ledger.prune(clock.now() - days * day).catch(report)
  const timer = setInterval(prune, day)
  timer.unref()
  prune()
  return () => clearInterval(timer)
}
