import type { Ledger } from '../control/open-ledger.ts'
import type { AuditLineInWarehouse } from '../schema/audit-columns.ts'
import type { ChainedRecord } from '../schema/audit-record.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'

const pause = 1000
const atOnce = 1000

/** Brings records of the audit log into the warehouse, from the last one that is there; returns how to stop, which waits for what is on its way. */
export function shipAudit(
  ledger: Ledger,
  warehouse: Warehouse,
  report: (error: unknown) => void,
): () => Promise<void> {
  const rest = new AbortController()
  const running = ship()
  return async () => {
    rest.abort()
    await running
  }

  async function ship(): Promise<void> {
    let last: number | undefined
    while (!rest.signal.aborted) {
      try {
        last ??= await newestIn(warehouse)
        const records = await ledger.read({ above: last }, atOnce, true)
        if (records.length > 0) await insert(warehouse, records)
        last = records.at(-1)?.sequence ?? last
        if (records.length === atOnce) continue
      } catch (error) {
        last = undefined
        report(error)
      }
      await pauseUnless(rest.signal)
    }
  }
}

const pauseUnless = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, pause)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

async function newestIn(warehouse: Warehouse): Promise<number> {
  const [row] = await warehouse.query({ sql: 'SELECT max(sequence) AS last FROM audit' })
  return Number(row?.['last'] ?? 0)
}

async function insert(warehouse: Warehouse, records: readonly ChainedRecord[]): Promise<void> {
  const [first, last] = [records[0], records.at(-1)]
  const lines = records.map((record) => JSON.stringify(lineOf(record)))
  const batch = `audit-${first?.sequence}-${last?.sequence}-${last?.hash.slice(0, 16)}`
  await warehouse.insertBatch('audit', batch, Buffer.from(`${lines.join('\n')}\n`))
}

function lineOf(record: ChainedRecord): AuditLineInWarehouse {
  const sides = [...record.before, ...record.after] as readonly {
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
    kinds: [...new Set(sides.map(({ entity }) => entity))],
    touched: new Set(sides.map(({ id }) => id)).size,
  }
}
