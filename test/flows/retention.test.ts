import { rm } from 'node:fs/promises'
import { createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { followRetention } from '../../src/planes/follow-retention.ts'
import { openWarehouse } from '../../src/warehouse/open-warehouse.ts'
import { builtInRollups } from '../../src/warehouse/rollup.ts'
import { buildTestRights } from '../harness/build-test-rights.ts'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { until } from '../harness/until.ts'
import { startTestAdmin } from './admin-harness.ts'

const day = 86_400_000
/** Rollups by the minute are kept for three days at most. */
const lastTable = 'requests_by_status_hour'
const options = {
  retentionDays: { requests: 30 },
  rollups: builtInRollups
    .filter(({ name }) => /by_route_day|by_status_(hour|minute)/.test(name))
    .map((rollup) => ({ ...rollup, minRows: rollup.seconds === 60 ? 1_000 : 1 })),
  rollupTiming: { grace: 0, settle: 0 },
}
const warehouse = await openTestWarehouse(options)
const admin = await startTestAdmin({ warehouse })
const engine = createClient({ connection: createChdbConnection({ path: warehouse.path }) as never })
const stop = followRetention(admin.configuration, warehouse, silentLog)
const analytics = openAnalytics({ warehouse, rightsOf: () => rights, clock: systemClock })
const rights = buildTestRights(defaultWorkspace, ['+* *'])
afterAll(async () => {
  await stop()
  await admin.close()
  await rm(warehouse.path, { recursive: true, force: true })
})

/** Requests by workspace, in the way of pages: from rollups where they are built. */
async function counts(from = 'last 30 days'): Promise<Record<string, unknown>> {
  const { data } = await analytics.answer(rights, {
    measures: ['requests.count'],
    dimensions: ['requests.workspace'],
    ...(from === '' ? {} : { timeDimensions: [{ dimension: 'requests.time', dateRange: from }] }),
  })
  return Object.fromEntries(
    data.map((row) => [String(row['requests.workspace']), row['requests.count']]),
  )
}
const stored = async (table: string, value = 'count()') => {
  const query = `SELECT workspace_name AS name, ${value} AS rows FROM ${table} GROUP BY name`
  const result = await engine.query({ query, format: 'JSONEachRow' })
  const rows = await result.json<{ readonly name: string; readonly rows: string }>()
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, Number(count)]))
}
const ttlOf = async (table: string): Promise<string> => {
  const query = `SELECT engine_full AS text FROM system.tables WHERE name = '${table}'`
  const result = await engine.query({ query, format: 'JSONEachRow' })
  const [row] = await result.json<{ readonly text: string }>()
  return row?.text ?? ''
}
const keep = async (days: number | null) => {
  const changed = await admin.ask('PATCH', '/workspaces/short', { retention_days: days })
  expect(changed.status).toBe(200)
  const shown = days === null ? [] : [{ name: 'short', days }]
  await until('the retention to be applied', async () => {
    const { body } = await admin.ask('GET', '/warehouse')
    const own = body.retention.workspaces as readonly {
      readonly name: string
      readonly days: number
    }[]
    const isStored = (await ttlOf(lastTable)).includes('transform') === (days !== null)
    return (
      isStored &&
      JSON.stringify(own.map(({ name, days: one }) => ({ name, days: one }))) ===
        JSON.stringify(shown)
    )
  })
}

/** An event every six hours in each of two workspaces, over the last ten days, which end with an hour. */
beforeAll(async () => {
  const made = await admin.ask('POST', '/workspaces', { name: 'short' })
  const now = Math.floor(Date.now() / day) * day
  await warehouse.store(
    [...Array(40).keys()].flatMap((at) =>
      [
        { workspace: String(made.body.id), workspace_name: 'short' },
        { workspace: 'other', workspace_name: 'other' },
      ].map((place) => ({ ...place, time: (now / 1000 - at * 21_600 - 1_800).toFixed(6) })),
    ),
  )
  await warehouse.rollups.refresh()
})

test('a workspace keeps its requests for its own days: hidden at once, removed by the engine, in rollups too', async () => {
  expect(await counts()).toEqual({ short: 40, other: 40 })
  await keep(3)
  const { days, workspaces } = warehouse.retention('requests') ?? {}
  expect([days, [...(workspaces?.values() ?? [])]]).toEqual([30, [3]])
  // Of today, and of three days before it.
  expect(await counts()).toEqual({ short: 12, other: 40 })
  expect(await counts('')).toEqual({ short: 12, other: 40 })
  for (const table of ['requests', 'requests_by_route_day', 'requests_by_status_hour'])
    await engine.command({ query: `OPTIMIZE TABLE ${table} FINAL` })
  // The engine keeps them for another day.
  const kept = await stored('requests')
  expect(kept['other']).toBe(40)
  expect(kept['short']).toBeGreaterThanOrEqual(12)
  expect(kept['short']).toBeLessThanOrEqual(17)
  expect((await stored('requests_by_route_day', 'sum(rows)'))['other']).toBe(40)
  expect((await stored('requests_by_route_day', 'sum(rows)'))['short']).toBeLessThanOrEqual(17)
  expect((await stored('requests_by_status_hour', 'sum(rows)'))['short']).toBeLessThanOrEqual(17)
  expect(await counts()).toEqual({ short: 12, other: 40 })
})

test('expired requests stay deleted when the retention is lengthened, and new requests are kept', async () => {
  await keep(20)
  const left = (await stored('requests'))['short']
  expect(await counts()).toEqual({ short: left, other: 40 })
  await warehouse.rollups.refresh()
  expect(await counts()).toEqual({ short: left, other: 40 })
  await keep(null)
  expect(await counts()).toEqual({ short: left, other: 40 })
  expect((await admin.ask('PATCH', '/workspaces/short', { retention_days: 0 })).status).toBe(400)
})

test('the retention applies from the start', async () => {
  const { body } = await admin.ask('GET', '/workspaces/short')
  await engine.close()
  await warehouse.closeOnly()
  const again = await openWarehouse({
    ...options,
    path: warehouse.path,
    workspaceDays: new Map([[String(body.id), 1]]),
  })
  const [row] = await again.query({
    sql: `SELECT engine_full AS text FROM system.tables WHERE name = 'requests_by_status_minute'`,
  })
  expect(row?.['text']).toContain(`transform(workspace, ['${String(body.id)}'], [2], 3)`)
  await again.close()
})
