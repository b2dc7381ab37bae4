import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildEvent } from '../../test/harness/build-event.ts'
import { insertBatch } from './insert-batch.ts'
import { openPool, openWarehouse, type Warehouse } from './open-warehouse.ts'

let path: string
let warehouse: Warehouse

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'weir-warehouse-'))
  warehouse = await openWarehouse({ path, retentionDays: { requests: 10_000 } })
})
afterAll(async () => {
  await warehouse.close()
  await rm(path, { recursive: true, force: true })
})

const insertForever = new URL('../../test/harness/insert-until-killed.ts', import.meta.url)

const lines = (...events: readonly object[]): Buffer =>
  Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))

const count = async (node: string): Promise<unknown> => {
  const sql = 'SELECT count() AS count FROM requests WHERE node = {node:String}'
  const [row] = await warehouse.query({ sql, params: { node } })
  return row?.['count']
}

test('every column is returned as it was written', async () => {
  const event = buildEvent({
    node: 'all',
    time: '1763700000.123456',
    workspace_name: `it's "ü" \\ {x:String}; DROP TABLE requests`,
    consumer_groups: ['a', 'b,c'],
    status: 503,
    duration_us: 5_000_000_000,
    response_bytes: 9_007_199_254_740_991,
  })
  await warehouse.insertBatch('requests', 'all-1', lines(event))
  const sql = `SELECT * FROM requests WHERE node = 'all'`
  expect(await warehouse.query({ sql })).toEqual([{ ...event, time: '2025-11-21 04:40:00.123456' }])
})

test('a batch id is stored once, across months and after reopening; another id is stored again', async () => {
  const batch = lines(
    buildEvent({ node: 'twice' }),
    buildEvent({ node: 'twice', time: '1766700000.000000' }),
  )
  await warehouse.insertBatch('requests', 'twice-1', batch)
  await warehouse.insertBatch('requests', 'twice-1', batch)
  expect(await count('twice')).toBe(2)
  await warehouse.close()
  warehouse = await openWarehouse({ path, retentionDays: { requests: 10_000 } })
  await warehouse.insertBatch('requests', 'twice-1', batch)
  expect(await count('twice')).toBe(2)
  await warehouse.insertBatch('requests', 'twice-2', batch)
  expect(await count('twice')).toBe(4)
})

test('listeners are called for stored batches until they unsubscribe', async () => {
  let heard = 0
  const stop = warehouse.onInsert(() => heard++)
  await warehouse.insertBatch('requests', 'heard-1', lines(buildEvent({ node: 'heard' })))
  await warehouse.insertBatch('requests', 'heard-2', Buffer.from('{')).catch(() => undefined)
  stop()
  await warehouse.insertBatch('requests', 'heard-3', lines(buildEvent({ node: 'heard' })))
  expect(heard).toBe(1)
})

const good = JSON.stringify(buildEvent({ node: 'bad' }))
test.each([
  ['broken JSON', '{"node": "bad'],
  ['a list', '[1]'],
  ['words', 'hello'],
  ['an unknown column', JSON.stringify({ ...JSON.parse(good), colour: 'red' })],
  ['text for a number', JSON.stringify({ ...JSON.parse(good), status: 'many' })],
  ['a negative number', JSON.stringify({ ...JSON.parse(good), status: -1 })],
  ['null', JSON.stringify({ ...JSON.parse(good), workspace: null })],
  ['no uuid', JSON.stringify({ ...JSON.parse(good), request_id: 'x' })],
  ['no time', JSON.stringify({ ...JSON.parse(good), time: 'yesterday' })],
  ['SQL after the data', '; DROP TABLE requests'],
])('rejects a batch with %s as a whole and names the line', async (_, bad) => {
  const batch = Buffer.from(`${good}\n${bad}\n${good}\n`)
  await expect(warehouse.insertBatch('requests', 'bad-1', batch)).rejects.toMatchObject({
    code: 'warehouse.batch',
    status: 400,
    message: 'Line 2 of the batch is not a valid row of table requests.',
  })
  expect(await count('bad')).toBe(0)
})

test('a server receives one synchronous insert, whose connection serves the next one', async () => {
  const statements: string[] = []
  const server = createServer((request, response) => {
    statements.push(new URL(request.url ?? '', 'http://a').searchParams.get('query') ?? '')
    request.resume().on('end', () => response.end('x'.repeat(1_000_000)))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  let connections = 0
  server.on('connection', () => (connections += 1))
  server.keepAliveTimeout = 0
  const client = createClient({
    url: `http://127.0.0.1:${port}`,
    max_open_connections: 1,
    keep_alive: { idle_socket_ttl: 600_000 },
  })
  for (const id of ['one', 'two']) await insertBatch(client, 'requests', id, lines({ node: 'n' }))
  await client.close()
  server.closeAllConnections()
  server.close()
  expect(statements.map((text) => /token = '(\w+)'/.exec(text)?.[1])).toEqual(['one', 'two'])
  expect(connections).toBe(1)
  expect(statements[0]).toContain(', async_insert = 0, insert_deduplicate = 1 ')
})

test('rejects an invalid batch id', async () => {
  await expect(
    warehouse.insertBatch('requests', `x', max_rows_to_read = '1`, lines()),
  ).rejects.toMatchObject({
    code: 'warehouse.id',
    status: 400,
  })
})

test.each([
  ['the first line', `{"a":\n${good}\n`, 1],
  ['the last line', `${good}\n${good}\n{"a":\n`, 3],
])('names %s of a batch that is not JSON', async (_, text, line) => {
  await expect(warehouse.insertBatch('requests', 'bad-2', Buffer.from(text))).rejects.toMatchObject(
    { code: 'warehouse.batch', status: 400, detail: { line } },
  )
})

test('an empty batch stores nothing and does not use up its id', async () => {
  await warehouse.insertBatch('requests', 'empty-1', Buffer.alloc(0))
  await warehouse.insertBatch('requests', 'empty-1', lines(buildEvent({ node: 'empty' })))
  expect(await count('empty')).toBe(1)
})

test('64-bit integers are returned as numbers and NaN as null', async () => {
  const sql = 'SELECT toUInt64(9007199254740991) AS big, 0 / 0 AS nan, 1 / 0 AS infinite'
  expect(await warehouse.query({ sql })).toEqual([
    { big: 9_007_199_254_740_991, nan: null, infinite: null },
  ])
})

test('settings apply to their statement only', async () => {
  const sql = `SELECT getSetting('max_execution_time') AS seconds`
  // More statements than connections, so that each runs one of both kinds.
  for (let time = 0; time < 4; time += 1) {
    expect(await warehouse.query({ sql, settings: { max_execution_time: 7 } })).toEqual([
      { seconds: 7 },
    ])
    expect(await warehouse.query({ sql })).toEqual([{ seconds: 0 }])
  }
})

test('a task goes to the member with the fewest running tasks', async () => {
  const pool = openPool(['a', 'b', 'c'])
  const ends: (() => void)[] = []
  const used: string[] = []
  const task = (): Promise<void> =>
    pool.use((member) => {
      used.push(member)
      return new Promise((resolve) => void ends.push(resolve))
    })
  const running = [task(), task(), task(), task()]
  expect(used).toEqual(['a', 'b', 'c', 'a'])
  ends[1]?.()
  await running[1]
  await expect(pool.use(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  const more = [task(), task()]
  expect(used.slice(4)).toEqual(['b', 'b'])
  for (const end of ends) end()
  await Promise.all([...running, ...more])
})

test('needs a URL or a path, and uses the URL if both are given', async () => {
  await expect(openWarehouse({})).rejects.toMatchObject({ code: 'warehouse.nowhere', status: 500 })
  await expect(openWarehouse({ url: 'http://127.0.0.1:1/weir', path })).rejects.toThrow(
    'ECONNREFUSED',
  )
})

test('a batch that the engine cannot store must be sent again', async () => {
  const other = createClient({ connection: createChdbConnection({ path }) as never })
  await other.command({ query: 'RENAME TABLE audit TO moved' })
  const sent = warehouse.insertBatch('audit', 'moved-1', lines({ sequence: 1 }))
  await expect(sent).rejects.toMatchObject({
    code: 'warehouse.insert',
    status: 503,
    cause: expect.any(Error) as Error,
  })
  await other.command({ query: 'RENAME TABLE moved TO audit' })
  await other.close()
})

test.each([
  ['at the start', '\n', 1],
  ['after a row', `${good}\n\n`, 2],
  ['after two rows', `${good}\n${good}\n\n`, 3],
])(
  'refuses an empty line %s, so that nothing after it runs as a statement',
  async (_, rows, line) => {
    const batch = Buffer.from(`${rows}CREATE TABLE smuggled (a UInt8) ENGINE = Memory\n`)
    await expect(warehouse.insertBatch('requests', 'bad-3', batch)).rejects.toMatchObject({
      code: 'warehouse.batch',
      status: 400,
      detail: { line },
    })
    const sql = `SELECT name FROM system.tables WHERE name = 'smuggled'`
    expect([await warehouse.query({ sql }), await count('bad')]).toEqual([[], 0])
  },
)

test('a second process cannot open the warehouse and reports why', async () => {
  const child = fork(insertForever, [path, '0'], { silent: true })
  let complaint = ''
  child.stderr?.on('data', (piece) => (complaint += String(piece)))
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(1)
  expect(complaint).toContain('one process at a time can have it open')
})

test('a large batch is a single block', async () => {
  const batch = Buffer.from(
    lines(buildEvent({ node: 'large' }))
      .toString()
      .repeat(70_000),
  )
  await warehouse.insertBatch('requests', 'large-1', batch)
  await warehouse.insertBatch('requests', 'large-1', batch)
  expect(await count('large')).toBe(70_000)
})

test('after a kill during inserts, every acknowledged batch is complete and no batch is stored twice or in part', async () => {
  const place = await mkdtemp(join(tmpdir(), 'weir-killed-'))
  const acknowledged = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const child = fork(insertForever, [place, String(round)])
    child.on('message', (batch: string) => {
      acknowledged.add(batch)
      if (acknowledged.size % 7 === 6) child.kill('SIGKILL')
    })
    await once(child, 'exit')
  }
  const size = 500
  const child = fork(insertForever, [place, 'count'])
  const [counts] = (await once(child, 'message')) as [Record<string, number>]
  await once(child, 'exit')
  await rm(place, { recursive: true, force: true })
  for (const batch of acknowledged) expect(counts[batch]).toBe(size)
  for (const [batch, rows] of Object.entries(counts)) expect([batch, rows]).toEqual([batch, size])
}, 180_000)

test('a table that the warehouse does not have is an error', async () => {
  await expect(warehouse.insertBatch('requests; DROP', 'x', lines())).rejects.toMatchObject({
    code: 'warehouse.table',
  })
})

test('closing waits for running statements and refuses further ones', async () => {
  const sql = 'SELECT sum(number) AS sum FROM numbers(20000000)'
  const ends: string[] = []
  const running = warehouse.query({ sql }).finally(() => ends.push('answered'))
  await Promise.all([warehouse.close().then(() => ends.push('closed')), warehouse.close()])
  expect(await running).toEqual([{ sum: 199_999_990_000_000 }])
  expect(ends).toEqual(['answered', 'closed'])
  const closed = { code: 'warehouse.closed', status: 503 }
  await expect(warehouse.query({ sql: 'SELECT 1' })).rejects.toMatchObject(closed)
  await expect(warehouse.insertBatch('requests', 'late-1', lines())).rejects.toMatchObject(closed)
})
