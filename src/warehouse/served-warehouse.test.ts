import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEvent } from '../../test/harness/build-event.ts'
import { serveClickHouse } from '../../test/harness/serve-clickhouse.ts'
import { openWarehouse, type Warehouse } from './open-warehouse.ts'
import { builtInRollups } from './rollup.ts'

/** A ClickHouse server, where the environment names an empty database of one: http://user:password@host:8123/database */
const external = process.env['WEIR_TEST_CLICKHOUSE_URL']

let server: { readonly url: string; close(): Promise<void> }
let warehouse: Warehouse
const open = () =>
  openWarehouse({
    url: server.url,
    rollupTiming: { grace: 0, settle: 0 },
    rollups: builtInRollups.map((rollup) => ({ ...rollup, minRows: 1 })),
  })
beforeAll(async () => {
  server =
    external === undefined
      ? await serveClickHouse()
      : { url: external, close: async () => undefined }
  warehouse = await open()
})
afterAll(async () => {
  await warehouse.close()
  await server.close()
})

const count = async (node: string): Promise<unknown> => {
  const sql = 'SELECT count() AS count FROM requests WHERE node = {node:String}'
  return (await warehouse.query({ sql, params: { node } }))[0]?.['count']
}
/** The last day that is over. */
const start = Math.floor(Date.now() / 86_400_000) * 86_400 - 86_400

test('a batch is stored once over HTTP, and its rows are answered with parameters', async () => {
  const event = buildEvent({ node: `it's`, time: `${start}.5` })
  const lines = Buffer.from(`${JSON.stringify(event)}\n`)
  for (const _ of [1, 2]) await warehouse.insertBatch('requests', `h-${start}`, lines)
  expect(await count(`it's`)).toBe(1)
})

test('a block is stored over HTTP in the format Native', async () => {
  const values = Float64Array.from({ length: 3 }, (_, at) => (start + at) * 1e6)
  const columns = new Map([
    ['time', { kind: 'number', values } as const],
    ['node', { kind: 'text', indexes: Uint32Array.from([1, 1, 1]) } as const],
  ])
  const block = { rows: 3, texts: ['', 'native'], columns }
  for (const _ of [1, 2]) await warehouse.insertBlock('requests', `n-${start}`, block)
  expect(await count('native')).toBe(3)
})

test('rollups are built and kept by a server', async () => {
  expect(await warehouse.rollups.refresh()).toBeGreaterThan(0)
  const days = (from: Warehouse) =>
    from.rollups.list.map((one) => from.rollups.units(one, start * 1000, Infinity).length)
  const built = days(warehouse)
  expect(Math.min(...built)).toBe(1)
  const other = await open()
  expect(days(other)).toEqual(built)
  await other.close()
})
