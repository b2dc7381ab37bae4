import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '../../src/schema/event.ts'
import {
  openWarehouse,
  type Warehouse,
  type WarehouseOptions,
} from '../../src/warehouse/open-warehouse.ts'
import { buildEvent } from './build-event.ts'

/** A warehouse in a temporary directory, which is deleted on close. */
export async function openTestWarehouse(options: WarehouseOptions = {}): Promise<
  Warehouse & {
    readonly path: string
    store(events: readonly Partial<Event>[]): Promise<void>
    /** Closes it and keeps its directory. */
    closeOnly(): Promise<void>
  }
> {
  const path = await mkdtemp(join(tmpdir(), 'weir-warehouse-'))
  const warehouse = await openWarehouse({
    path,
    retentionDays: { requests: 10_000, audit: 10_000 },
    ...options,
  })
  let batch = 0
  return {
    ...warehouse,
    path,
    async store(events) {
      const lines = events.map((event) => `${JSON.stringify(buildEvent(event))}\n`)
      await warehouse.insertBatch('requests', `test-${batch++}`, Buffer.from(lines.join('')))
    },
    closeOnly: () => warehouse.close(),
    async close() {
      await warehouse.close()
      await rm(path, { recursive: true, force: true })
    },
  }
}
