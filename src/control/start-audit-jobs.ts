import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { WarehouseAuditRow } from '../schema/audit-columns.ts'
import type { ChainedRecord } from '../schema/audit-record.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'
import type { AuditLog } from './audit/open-audit-log.ts'

export type AuditJobsOptions = {
  readonly auditLog: AuditLog
  readonly warehouse: Warehouse
  /** Retention time. */
  readonly days: number
  readonly clock: Clock
  readonly log: Log
}

const pollInterval = 1_000
const batchSize = 1_000
const day = 24 * 60 * 60_000

/** Prunes the audit log daily and ships its records to the warehouse; the returned function stops both. */
export function startAuditJobs(options: AuditJobsOptions): () => Promise<void> {
  const { auditLog, warehouse, days, clock, log } = options
  const prune = (): void =>
    void auditLog
      .prune(clock.now() - days * day)
      .catch((error: unknown) => log.error('audit: pruning failed', { error }))
  const pruning = setInterval(prune, day)
  pruning.unref()
  prune()
  const stopShipping = shipAudit(auditLog, warehouse, (error) =>
    log.warn('audit: shipping to the warehouse failed, retrying', { error }),
  )
  return async () => {
    clearInterval(pruning)
    await stopShipping()
  }
}

/** Ships records to the warehouse, starting after the last one there. The returned function stops it and waits for the current batch. */
export function shipAudit(
  auditLog: AuditLog,
  warehouse: Warehouse,
  report: (error: unknown) => void,
): () => Promise<void> {
  const stopping = new AbortController()
  const running = ship()
  return async () => {
    stopping.abort()
    await running
  }

  async function ship(): Promise<void> {
    let last: number | undefined
    while (!stopping.signal.aborted) {
      try {
        last ??= await lastInWarehouse(warehouse)
        const records = await auditLog.read({ above: last }, batchSize, true)
        if (records.length > 0) await insert(warehouse, records)
        last = records.at(-1)?.sequence ?? last
        if (records.length === batchSize) continue
      } catch (error) {
        last = undefined
        report(error)
      }
      await pauseUnless(stopping.signal)
    }
  }
}

const pauseUnless = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, pollInterval)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

async function lastInWarehouse(warehouse: Warehouse): Promise<number> {
  const [row] = await warehouse.query({ sql: 'SELECT max(sequence) AS last FROM audit' })
  return Number(row?.['last'] ?? 0)
}

async function insert(warehouse: Warehouse, records: readonly ChainedRecord[]): Promise<void> {
  const [first, last] = [records[0], records.at(-1)]
  const lines = records.map((record) => JSON.stringify(toLine(record)))
  const batch = `audit-${first?.sequence}-${last?.sequence}-${last?.hash.slice(0, 16)}`
  await warehouse.insertBatch('audit', batch, Buffer.from(`${lines.join('\n')}\n`))
}

function toLine(record: ChainedRecord): WarehouseAuditRow {
  const touched = [...record.before, ...record.after] as readonly {
    readonly entity: string
    readonly id: string
  }[]
  return {
    sequence: record.sequence,
    time: (record.time / 1000).toFixed(3),
    request_id: record.requestId,
    workspace: record.workspaceId,
    workspace_name: record.workspace,
    principal: record.principal?.id ?? '',
    principal_name: record.principal?.name ?? '',
    address: record.address,
    method: record.method,
    path: record.path,
    action: record.action,
    allowed: Number(record.allowed),
    because: record.because,
    status: record.status,
    revision: record.revision ?? 0,
    kinds: [...new Set(touched.map(({ entity }) => entity))],
    touched: new Set(touched.map(({ id }) => id)).size,
  }
}
