import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import { buildEvent } from '../../test/harness/build-event.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openWarehouse, type Warehouse } from '../../src/warehouse/open-warehouse.ts'
import { quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { insertEvents, timeOf, type Traffic } from './generate-events.ts'
import { pagesOf, ranges, type Page } from './page-queries.ts'

const monthLength = 30 * 86_400_000
const bytesPerEvent = 150

/** Rows per insert: a few seconds of work. */
const chunk = 1_000_000

/** The last midnight: the last day is over, so that its rollups are built. */
const monthEnd = (): number => Math.floor(Date.now() / 86_400_000) * 86_400_000

export async function benchWarehouse(options: BenchOptions): Promise<Report> {
  const rows = options.events
  const isKept = options.directory !== ''
  const directory = isKept
    ? resolve(options.directory)
    : mkdtempSync(join(tmpdir(), 'weir-bench-warehouse-'))
  mkdirSync(directory, { recursive: true })
  try {
    return await measure(directory, rows, options)
  } finally {
    if (!isKept) rmSync(directory, { recursive: true, force: true })
  }
}

/** Rows of an earlier run with the same directory are older each time. */
const retentionDays = { requests: 10_000 }

async function measure(directory: string, rows: number, options: BenchOptions): Promise<Report> {
  const { onProgress } = options
  const report: Row[] = []
  const path = join(directory, 'warehouse')
  const { to } = readOrWrite(join(directory, 'events.json'), { rows, to: monthEnd() })
  const traffic = { rows, from: to - monthLength, to }
  let warehouse = await openWarehouse({ path, retentionDays })
  let plain = connect(path)
  const present = await removeIncomplete(plain, traffic)
  requireSpace(directory, rows - present)
  if (present < rows) {
    const load = await timed(async () => {
      for (let first = present; first < rows; first += chunk) {
        await plain.command({ query: insertEvents(traffic, first, Math.min(chunk, rows - first)) })
        onProgress(`loaded ${Math.min(rows, first + chunk)} events`)
      }
    })
    report.push({ case: 'load', subject: 'rows', ...secondsOf(load, rows - present) })
  }
  let units = 0
  const built = await timed(async () => (units = await warehouse.rollups.refresh()))
  if (units > 0) report.push({ case: 'load', subject: 'rollups', ...secondsOf(built, rows) })
  report.push(...(await sizesOf(plain, rows)))
  for (const row of report) onProgress(JSON.stringify(row))

  const reopen = async (): Promise<number> => {
    await plain.close()
    await warehouse.close()
    const { milliseconds } = await timed(async () => {
      warehouse = await openWarehouse({ path, retentionDays })
    })
    plain = connect(path)
    return milliseconds
  }
  report.push({ case: 'open', subject: 'store', ms: rounded(await reopen()) })

  const subjectsOf = (page: Page) => ({
    rollups: () => runPage(warehouse, page, to, true),
    rows: () => runPage(warehouse, page, to, false),
    SQL: () => runPlain(plain, page),
  })
  for (const [name, length] of Object.entries(ranges))
    for (const page of pagesOf(to - length, to)) {
      const title = `${page.name}, ${name}`
      if (!title.includes(options.only)) continue
      const measured = await measurePage(title, subjectsOf(page), { reopen, ...options })
      for (const row of measured) onProgress(JSON.stringify(row))
      report.push(...measured)
    }
  if ('insert'.includes(options.only)) report.push(...(await besideQueries(warehouse, plain, to)))
  await plain.close()
  await warehouse.close()
  const month = report.find(
    ({ case: name, subject }) => name === 'overview, 30 days' && subject === 'rollups',
  )
  const isSlow = month !== undefined && Number(month['query_p95_ms']) > 300
  return {
    rows: report,
    notes: [
      `${rows.toLocaleString('en-US')} events of 30 days: 40 services, 400 routes, 5,000 consumers; the ranges end at the last one.`,
      'cold: the first time after opening the engine; files may be in the page cache. page: all its queries, one after the other.',
      'The first answer of a page also finds its newest row, with a statement of its own.',
      'rollups and rows: queries of the Manager with all permissions. SQL: the same, written by hand over the table.',
    ],
    violations: isSlow ? ['overview, 30 days: p95 of a query above 300 ms'] : [],
  }
}

/** Describes the events of a directory, so that they are not mixed with those of another run. */
function readOrWrite<Told extends { readonly rows: number }>(file: string, told: Told): Told {
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(told))
  const known = JSON.parse(readFileSync(file, 'utf8')) as Told
  if (known.rows !== told.rows)
    throw new Error(`${file}: the directory is for ${known.rows} events`)
  return known
}

/** Events are loaded in order of time. Returns how many whole chunks of them there are, and removes those of another one. */
async function removeIncomplete(client: ClickHouseClient, traffic: Traffic): Promise<number> {
  const query = 'SELECT count() AS rows FROM requests'
  const [found] = await (
    await client.query({ query, format: 'JSONEachRow' })
  ).json<{ rows: string }>()
  const rows = Number(found?.rows)
  if (rows >= traffic.rows) return traffic.rows
  const whole = Math.floor(rows / chunk) * chunk
  if (rows > whole)
    await client.command({
      query: `ALTER TABLE requests DELETE WHERE time >= ${timeOf(traffic, whole)} SETTINGS mutations_sync = 2`,
    })
  return whole
}

function requireSpace(directory: string, rows: number): void {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize < rows * bytesPerEvent)
    throw new Error(`${directory}: ${rows} events need ${(rows * bytesPerEvent) / 1e9} GB`)
}

/** Subjects alternate, and each begins once with an engine that has just been opened. */
async function measurePage(
  title: string,
  subjects: Readonly<Record<string, () => Promise<number[]>>>,
  { reopen, rounds }: { readonly reopen: () => Promise<unknown>; readonly rounds: number },
): Promise<Row[]> {
  const cold = new Map<string, number[]>()
  for (const [subject, run] of Object.entries(subjects)) {
    await reopen()
    cold.set(subject, await run())
  }
  const warm = new Map<string, number[][]>()
  for (let round = 0; round < rounds; round += 1)
    for (const [subject, run] of Object.entries(subjects))
      warm.set(subject, [...(warm.get(subject) ?? []), await run()])
  return Object.keys(subjects).map((subject) => ({
    case: title,
    subject,
    ...figuresOf(cold.get(subject) ?? [], warm.get(subject) ?? []),
  }))
}

const connect = (path: string): ClickHouseClient =>
  createClient({ connection: createChdbConnection({ path }) as never })

async function timed(work: () => Promise<unknown>) {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { milliseconds: performance.now() - start, cpu: user + system }
}

const secondsOf = (measured: { milliseconds: number; cpu: number }, rows: number) => ({
  seconds: rounded(measured.milliseconds / 1000, 1),
  cpu_us_per_event: rounded(measured.cpu / rows, 2),
})

async function sizesOf(client: ClickHouseClient, rows: number): Promise<Row[]> {
  const result = await client.query({
    query: `SELECT table, sum(bytes_on_disk) AS bytes, sum(rows) AS rows, count() AS parts FROM system.parts
      WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC`,
    format: 'JSONEachRow',
  })
  const found = await result.json<{ table: string; bytes: string; rows: string; parts: string }>()
  return found.map(({ table, bytes, rows: stored, parts }) => ({
    case: 'disk',
    subject: table,
    mb: rounded(Number(bytes) / 1e6, 1),
    rows: Number(stored),
    parts: Number(parts),
    bytes_per_event: rounded(Number(bytes) / rows, 2),
  }))
}

const rights = buildTestRights(defaultWorkspace, ['+* *'])
const noRollups = { list: [], units: () => [], refresh: async () => 0 }

/** The milliseconds of each query of a page. */
async function runPage(
  warehouse: Warehouse,
  page: Page,
  now: number,
  isRolled: boolean,
): Promise<number[]> {
  const analytics = openAnalytics({
    warehouse: isRolled ? warehouse : { ...warehouse, rollups: noRollups },
    rightsOf: () => rights,
    clock: { now: () => now },
  })
  // Reads the datasets.
  await analytics.meta(rights)
  const times: number[] = []
  for (const query of Object.values(page.queries))
    times.push((await timed(() => orLimit(analytics.answer(rights, query)))).milliseconds)
  return times
}

async function runPlain(client: ClickHouseClient, { sql }: Page): Promise<number[]> {
  const times: number[] = []
  for (const query of sql) {
    const run = async () => (await client.query({ query, format: 'JSONEachRow' })).json()
    times.push((await timed(() => orLimit(run()))).milliseconds)
  }
  return times
}

/** A query that the engine stops at its limit counts with the time until then. */
const orLimit = (answer: Promise<unknown>): Promise<unknown> =>
  answer.catch((error: unknown) => {
    const { code } = error as { readonly code?: unknown }
    if (code !== limitCode && code !== 'query.failed') throw error
  })

/** TIMEOUT_EXCEEDED of ClickHouse. */
const limitCode = '159'

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0)

function figuresOf(cold: readonly number[], warm: readonly (readonly number[])[]) {
  const pages = warm.map(sum)
  const queries = warm.flat()
  return {
    queries: cold.length,
    cold_page_ms: rounded(sum(cold)),
    page_p50_ms: rounded(quantile(pages, 0.5)),
    page_p95_ms: rounded(quantile(pages, 0.95)),
    query_p50_ms: rounded(quantile(queries, 0.5)),
    query_p95_ms: rounded(quantile(queries, 0.95)),
  }
}

/** Inserts of a batch alone, and while the rows of all 30 days are read without end. */
async function besideQueries(
  warehouse: Warehouse,
  plain: ClickHouseClient,
  to: number,
): Promise<Row[]> {
  const [overview] = pagesOf(to - monthLength, to)
  const lines = Buffer.from(
    Array.from(
      { length: 1_500 },
      (_, at) => `${JSON.stringify(buildEvent({ time: (to / 1000 + at / 1e3).toFixed(6) }))}\n`,
    ).join(''),
  )
  let batch = 0
  const insert = async (): Promise<number> =>
    (await timed(() => warehouse.insertBatch('requests', `bench-${(batch += 1)}`, lines)))
      .milliseconds
  const inserts = async (): Promise<number[]> => {
    const times: number[] = []
    for (let round = 0; round < 30; round += 1) times.push(await insert())
    return times
  }
  const alone = await inserts()
  let isQuerying = true
  const querying = (async () => {
    while (isQuerying && overview !== undefined) await runPlain(plain, overview)
  })()
  const beside = await inserts()
  isQuerying = false
  await querying
  return Object.entries({ alone, 'beside queries': beside }).map(([subject, times]) => ({
    case: 'insert of 1,500 rows',
    subject,
    p50_ms: rounded(quantile(times, 0.5)),
    p95_ms: rounded(quantile(times, 0.95)),
  }))
}
