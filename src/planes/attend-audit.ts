import type { Ledger } from '../control/open-ledger.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'
import { keepAuditShort } from './keep-audit-short.ts'
import { shipAudit } from './ship-audit.ts'

/** What the audit log needs while the control plane runs: it is kept short, and brought into the warehouse; returns how to stop. */
export function attendAudit(
  ledger: Ledger,
  warehouse: Warehouse,
  { days, log }: { readonly days: number; readonly log: Log },
): () => Promise<void> {
  const stopPruning = keepAuditShort(ledger, {
    days,
    clock: systemClock,
    report: (error) => log.error('the audit log could not be pruned', { error }),
  })
  const stopShipping = shipAudit(ledger, warehouse, (error) =>
    log.warn('the audit log waits for the warehouse', { error }),
  )
  return async () => {
    stopPruning()
    await stopShipping()
  }
}
