import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { uuidv7 } from '../../src/lib/ids.ts'
import { recordRequests } from '../../src/planes/record-requests.ts'
import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { buildEvent } from '../harness/build-event.ts'
import { toRecord } from '../harness/event-record.ts'
import { mountSmallDisk } from '../harness/mount-small-disk.ts'
import { openTestLog, writeSegment } from '../harness/spool.ts'
import { until } from '../harness/until.ts'

const node = { node: 'eu-1', worker: 0, zone: '', environment: '' }

test('a full disk of the warehouse keeps batches in the intake, and all are stored once when there is space', async (context) => {
  const data = mkdtempSync(join(tmpdir(), 'weir-full-warehouse-'))
  const path = join(data, 'warehouse')
  mountSmallDisk(context, path, 64 * 1024 * 1024)
  const warehouse = await openWarehouse({ path, retentionDays: { requests: 10_000 } })
  const { log, lines } = openTestLog()
  const settings = { data, durability: { mode: 'commit' } } as const
  const recording = recordRequests(settings, warehouse, { clock: systemClock, log })
  const sent: string[] = []
  const send = async (batches: number): Promise<void> => {
    for (let at = 0; at < batches; at += 1) {
      const ids = Array.from({ length: 50 }, () => uuidv7(Date.now()))
      sent.push(...ids)
      // Text that hardly shrinks.
      const events = ids.map((id) =>
        toRecord(buildEvent({ request_id: id, path: `/${ids.join('')}/${id}` })),
      )
      await recording.receiveBatch(uuidv7(Date.now()), writeSegment(events), false, node)
    }
  }
  await send(3)
  const filler = join(path, 'filler')
  expect(() => {
    for (;;) appendFileSync(filler, Buffer.alloc(256 * 1024))
  }).toThrow('ENOSPC')
  await send(20)
  await until('the warehouse to refuse a load', () =>
    lines.some(({ message }) => message.includes('they stay in the intake')),
  )
  rmSync(filler)
  await send(3)
  await until('the intake to be empty', () => recording.intake().bytes === 0)
  expect(recording.intake().refused).toBe(0)
  const rows = await warehouse.query({ sql: 'SELECT toString(request_id) AS id FROM requests' })
  expect(rows.map(({ id }) => String(id)).toSorted()).toEqual(sent.toSorted())
  await recording.stop(1_000)
  await warehouse.close()
  expect(readdirSync(join(data, 'intake'))).toEqual(['loads'])
})
