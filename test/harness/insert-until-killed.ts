import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { buildEvent } from './build-event.ts'

// Arguments: path, round. Inserts batches of 500 events and reports each acknowledged batch to the parent until killed.
// Starts by sending batches of the previous round again. With the round `count`: reports the rows per batch and exits.
const [path = '', round = ''] = process.argv.slice(2)
const warehouse = await openWarehouse({ path, retentionDays: { requests: 10_000 } })

if (round === 'count') {
  const sql = 'SELECT node, count() AS count FROM requests GROUP BY node'
  const rows = await warehouse.query({ sql })
  process.send?.(Object.fromEntries(rows.map((row) => [row['node'], row['count']])))
  await warehouse.close()
  process.disconnect()
} else {
  const insert = async (batch: string): Promise<void> => {
    const line = `${JSON.stringify(buildEvent({ node: batch }))}\n`
    await warehouse.insertBatch('requests', batch, Buffer.from(line.repeat(500)))
    process.send?.(batch)
  }
  const before = Number(round) - 1
  for (let batch = 0; before >= 0 && batch < 20; batch++) await insert(`${before}-${batch}`)
  for (let batch = 0; ; batch++) await insert(`${round}-${batch}`)
}
