import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { arbitraryEvent } from '../harness/arbitrary-event.ts'
import { buildEvent } from '../harness/build-event.ts'
import { toRecord } from '../harness/event-record.ts'
import { runToCompletion } from '../../src/lib/cooperative-task.ts'
import type { Event } from '../../src/schema/event.ts'
import { buildBlock } from '../../src/telemetry/segment/build-block.ts'
import { readSegment } from '../../src/telemetry/segment/read-segment.ts'
import { openIntake } from '../../src/telemetry/open-intake.ts'
import { openBatchReceiver } from '../../src/telemetry/receive-batch.ts'
import { SegmentWriter, segmentHead } from '../../src/telemetry/segment/segment-writer.ts'
import {
  buildErasureRule,
  erasureColumns,
  erasureSql,
  withoutErasedLines,
  withoutErasedRows,
  type ErasureRule,
} from '../../src/warehouse/erasure-rule.ts'
import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { builtInRollups } from '../../src/warehouse/rollup.ts'

const directory = mkdtempSync(join(tmpdir(), 'weir-erasures-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The last midnight, after which no event of these tests is. */
const midnight = Math.floor(Date.now() / 86_400_000) * 86_400

let now = Date.now()

const open = async (name: string, url?: string) => {
  const warehouse = await openWarehouse({
    ...(url === undefined ? { path: join(directory, name) } : { url }),
    backups: join(directory, 'backups'),
    retentionDays: { requests: 10_000 },
    rollups: builtInRollups
      .filter(({ seconds }) => seconds > 60)
      .map((rollup) => ({ ...rollup, minRows: 1 })),
    clock: { now: () => now },
    rollupTiming: { grace: 0, settle: 0 },
  })
  const rows = async (sql: string): Promise<number> =>
    Number((await warehouse.query({ sql: `SELECT count() AS n FROM ${sql}` }))[0]?.['n'])
  let batch = 0
  return {
    ...warehouse,
    rows,
    store: (events: readonly Partial<Event>[], id = `b-${(batch += 1)}`) =>
      warehouse.insertBlock('requests', id, blockOf(events.map((one) => buildEvent(one)))),
  }
}

function segmentOf(events: readonly Event[]): Buffer {
  const writer = new SegmentWriter()
  for (const event of events) writer.add(toRecord(event))
  return Buffer.concat([segmentHead, Buffer.from(writer.takeFrame() ?? [])])
}
const blockOf = (events: readonly Event[]) =>
  runToCompletion(buildBlock([readSegment(segmentOf(events))]))

const at = (seconds: number): string => (midnight + seconds).toFixed(6)
const ann = {
  workspace: 'w',
  consumer: 'id-of-ann',
  consumer_name: 'ann',
  subject: 'ann@a.example',
}
const bob = {
  workspace: 'w',
  consumer: 'id-of-bob',
  consumer_name: 'bob',
  subject: 'bob@a.example',
}

test('erases a subject from rows and rollups, keeps all others, and stores its name nowhere', async () => {
  const warehouse = await open('one')
  onTestFinished(() => warehouse.close())
  const places = [ann, bob, { ...ann, workspace: 'other' }]
  await warehouse.store(
    [...Array(90).keys()].map((n) => ({ ...places[n % 3], time: at(-n * 3_000) })),
  )
  expect(await warehouse.rollups.refresh()).toBeGreaterThan(0)
  expect(await warehouse.rows(`requests_by_consumer_day WHERE consumer_name = 'ann'`)).toBe(8)
  const [done, again] = [
    await warehouse.erasures.erase({
      id: 'e1',
      selector: 'consumer',
      value: 'ann',
      workspace: 'w',
    }),
    await warehouse.erasures.erase({ id: 'e2', selector: 'subject', value: 'ann@a.example' }),
  ]
  expect(done).toMatchObject({ before: 30, after: 0, isFinished: true })
  expect(again).toMatchObject({ before: 30, after: 0, isFinished: true })
  expect(await warehouse.rows(`requests WHERE consumer_name = 'ann'`)).toBe(0)
  now += 2 * 3_600_000
  await warehouse.rollups.refresh()
  const valid = warehouse.rollups.list.flatMap((one) =>
    warehouse.rollups.units(one, 0, Infinity).map(({ build }) => build),
  )
  for (const { name } of warehouse.rollups.list)
    expect(
      await warehouse.query({
        sql: `SELECT sum(rows) AS n, sumIf(rows, NOT build IN (${valid.join(', ')})) AS old FROM ${name}`,
      }),
    ).toEqual([{ n: 30, old: 0 }])
  expect(await warehouse.rows(`requests_by_consumer_day WHERE consumer = 'id-of-ann'`)).toBe(0)
  const traces = await warehouse.query({ sql: 'SELECT command FROM system.mutations' })
  expect(JSON.stringify([traces, await warehouse.erasures.list()])).not.toMatch(/ann\b/)
})

const arbitraryRule: fc.Arbitrary<readonly [ErasureRule, string]> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(erasureColumns) as (keyof typeof erasureColumns)[])),
    fc.constantFrom('ann', 'id-of-ann', `it's`, 'ann@a.example', '10.0.0.1'),
    fc.constantFrom('', 'w'),
    fc.constantFrom(-1, 0, 1),
  )
  .map(([selector, value, workspace, hours]) => {
    const time = (midnight + hours * 3_600) * 1000
    return [buildErasureRule({ id: 'r', time, workspace, selector }, value), value] as const
  })
const text = fc.constantFrom('', 'ann', 'id-of-ann', `it's`, 'ann@a.example', '10.0.0.1', 'bob')
const erasableEvent = fc
  .tuple(
    arbitraryEvent,
    fc.record({
      workspace: fc.constantFrom('', 'w', 'other'),
      ...Object.fromEntries(
        Object.values(erasureColumns)
          .flat()
          .map((name) => [name, text]),
      ),
      time: fc.constantFrom(-3_601, -1, 0, 1, 3_600).map(at),
    }),
  )
  .map(([event, own]): Event => ({ ...event, ...own }))

test('a rule erases the same events from blocks, from lines and by SQL', async () => {
  const warehouse = await open('two')
  onTestFinished(() => warehouse.close())
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(erasableEvent, { minLength: 1, maxLength: 12 }),
      arbitraryRule,
      async (given, [rule, value]) => {
        const environment = `e${(round += 1)}`
        const events = given.map((event) => ({ ...event, environment }))
        const isKept = (event: Event): boolean =>
          Number(event.time) * 1000 > rule.time ||
          (rule.workspace !== '' && event.workspace !== rule.workspace) ||
          !erasureColumns[rule.selector].some((name) => event[name] === value)
        const kept = events.filter(isKept)
        const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('')
        const left = withoutErasedLines(Buffer.from(lines), [rule]).toString()
        expect(left).toBe(kept.map((event) => `${JSON.stringify(event)}\n`).join(''))
        await warehouse.insertBlock('requests', `a${round}`, blockOf(events))
        const where = `environment = '${environment}'`
        const erased = erasureSql(rule, ['time', ...Object.values(erasureColumns).flat()])
        expect(await warehouse.rows(`requests WHERE ${where} AND NOT (${erased})`)).toBe(
          kept.length,
        )
        const block = withoutErasedRows(blockOf(events), [rule])
        expect(block.rows).toBe(kept.length)
        if (kept.length === 0) return
        await warehouse.insertBlock('requests', `b${round}`, block)
        // Stored twice now: by the block of all events, and by that of the others.
        const twice = await warehouse.query({
          sql: `SELECT * FROM requests WHERE ${where} AND NOT (${erased})`,
        })
        const texts = twice.map((row) => JSON.stringify(row)).toSorted()
        expect(texts.filter((_, index) => index % 2 === 0)).toEqual(
          texts.filter((_, index) => index % 2 === 1),
        )
      },
    ),
    { numRuns: 40 },
  )
})

test('events that arrive after an erasure are left out when they are older than it', async () => {
  const warehouse = await open('three')
  onTestFinished(() => warehouse.close())
  now = midnight * 1000
  await warehouse.erasures.erase({ id: 'e1', selector: 'subject', value: ann.subject })
  const all = [ann, bob].flatMap((one) => [at(-1), at(1)].map((time) => ({ ...one, time })))
  await warehouse.store(all)
  await warehouse.insertBatch(
    'requests',
    'lines',
    Buffer.from(all.map((event) => `${JSON.stringify(buildEvent(event))}\n`).join('')),
  )
  expect(await warehouse.rows(`requests WHERE subject = '${ann.subject}'`)).toBe(2)
  expect(await warehouse.rows('requests')).toBe(6)
  await warehouse.store([{ ...ann, time: at(-1) }])
  expect(await warehouse.rows('requests')).toBe(6)
  now = Date.now()
})

test('an erasure that ended with its process is finished by the next one', async () => {
  const first = await open('four')
  await first.store([ann, bob].map((one) => ({ ...one, time: at(-1) })))
  await first.backups.create('before')
  const engine = createClient({
    connection: createChdbConnection({ path: join(directory, 'four') }) as never,
  })
  const { id, time, salt, hash } = buildErasureRule(
    { id: 'cut', time: Date.now(), workspace: '', selector: 'subject' },
    ann.subject,
  )
  await engine.command({
    query: `INSERT INTO erasures SELECT '${id}', fromUnixTimestamp64Milli(${time}), '', 'subject', '${salt}', '${hash}', 0, 0, 0, 1`,
  })
  await engine.close()
  await first.close()
  const second = await open('four')
  expect(await second.rows('requests')).toBe(2)
  expect(await second.erasures.resume()).toBe(1)
  expect(await second.erasures.list()).toMatchObject([
    { id, isFinished: true, before: 1, after: 0 },
  ])
  expect(await second.rows('requests')).toBe(1)
  expect(await second.erasures.resume()).toBe(0)
  await second.close()
})

test('restoring a backup from before an erasure does not bring back what it erased', async () => {
  const warehouse = await open('five')
  onTestFinished(() => warehouse.close())
  await warehouse.erasures.erase({ id: 'e1', selector: 'subject', value: ann.subject })
  await warehouse.backups.restore('before')
  expect(await warehouse.rows('requests')).toBe(1)
})

test('a repeated batch is recognized by its first event that is not erased', async () => {
  const rule = buildErasureRule(
    { id: 'r', time: midnight * 1000, workspace: '', selector: 'subject' },
    ann.subject,
  )
  const intake = openIntake(join(directory, 'intake'), {
    maxBatches: 10,
    isSynced: false,
    maxBytes: 1e6,
  })
  const [erased, kept] = [ann, bob].map((one) => buildEvent({ ...one, time: at(-1) })) as [
    Event,
    Event,
  ]
  const asked: string[] = []
  const receive = openBatchReceiver(
    intake,
    async ({ request_id: id }) => asked.push(id) > 0,
    (block) => withoutErasedRows(block, [rule]),
  )
  await receive('b-1', segmentOf([erased, kept]), true)
  expect([asked, intake.isEmpty]).toEqual([[kept.request_id], true])
  // A batch of erased events stores none, however often it arrives.
  await receive('b-2', segmentOf([erased]), true)
  expect([asked.length, intake.holds('b-2')]).toEqual([1, true])
})
