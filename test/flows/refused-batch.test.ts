import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChdbConnection } from 'chdb/connection'
import { createClient } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { uuidv7 } from '../../src/lib/ids.ts'
import { recordRequests } from '../../src/planes/record-requests.ts'
import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { buildEvent } from '../harness/build-event.ts'
import { toRecord } from '../harness/event-record.ts'
import { openTestLog, writeSegment } from '../harness/spool.ts'
import { until } from '../harness/until.ts'

const node = { node: 'eu-1', worker: 0, zone: '', environment: '' }

test('the batch whose rows the engine refuses is set aside, and all others of its load are stored once', async () => {
  const data = await mkdtemp(join(tmpdir(), 'weir-refused-'))
  const warehouse = await openWarehouse({
    path: join(data, 'warehouse'),
    retentionDays: { requests: 10_000 },
  })
  const client = createClient({
    connection: createChdbConnection({ path: join(data, 'warehouse') }) as never,
  })
  await client.command({
    query: `ALTER TABLE requests ADD CONSTRAINT c CHECK path != '/poison'`,
  })
  const { log, lines } = openTestLog()
  const settings = { data, durability: { mode: 'commit' } } as const
  const recording = recordRequests(settings, warehouse, { clock: systemClock, log })
  const batches = Array.from({ length: 20 }, (_, at) => [`b-${at + 10}`, `/${at}`] as const)
  for (const [batch, path] of batches) {
    const event = { path: path === '/7' ? '/poison' : path, request_id: uuidv7(Date.now()) }
    await recording.receiveBatch(batch, writeSegment([toRecord(buildEvent(event))]), false, node)
  }
  await until('the intake to be empty', () => recording.intake().bytes === 0)
  expect(recording.intake().refused).toBe(1)
  expect(await readdir(join(data, 'intake', 'refused'))).toEqual(['b-17.segment'])
  expect(lines.filter(({ batch }) => batch !== undefined)).toMatchObject([
    { batch: 'b-17', node: 'eu-1', reason: expect.stringContaining('VIOLATED_CONSTRAINT') },
  ])
  const stored = await warehouse.query({ sql: 'SELECT path FROM requests ORDER BY path' })
  expect(stored.map(({ path }) => path)).toEqual(
    batches
      .map(([, path]) => path)
      .filter((path) => path !== '/7')
      .toSorted(),
  )
  await recording.stop(1_000)
  await client.close()
  await warehouse.close()
  await rm(data, { recursive: true })
})
