import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../../src/schema/answer.ts'
import { until } from '../../test/harness/until.ts'
import { cores, hasLoaded, usageOf, type Usage } from '../processes.ts'
import { rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { startWeir, type Weir } from '../start-weir.ts'
import { openTraffic, type Traffic } from './open-traffic.ts'
import { measureVolume } from './measure-volume.ts'
import { growthPerMinute, type Sample } from './slope.ts'
import { injectFaults, type FaultInjection } from './inject-faults.ts'

const lanes = 8
/** Milliseconds after the death of a target in which responses with status 500 or above are expected. */
const faultWindow = 5_000
/** Growth per minute over the second half that counts as a leak; short runs are not conclusive. */
const maxGrowth = 5

/** Full load under configuration changes, killed targets and client resets. Fails on a leak, an unexplained status, or an event count that differs from the responses. */
export async function benchSoak(options: BenchOptions): Promise<Report> {
  const weir = await startWeir(cores?.subject)
  let faults: FaultInjection | undefined
  try {
    faults = await injectFaults(weir)
    return await soak(weir, faults, options)
  } finally {
    await faults?.pause()
    await faults?.stop()
    await weir.close()
  }
}

async function soak(
  weir: Weir,
  faults: FaultInjection,
  { minutes, onProgress }: BenchOptions,
): Promise<Report> {
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${weir.proxyUrl}/reset/small`)).status === 200
  await until('Weir to use its configuration', isReady)
  const startedAt = performance.now()
  const traffic = openTraffic(weir.proxyUrl, lanes)
  const samples = await watch(weir, traffic, { minutes, onProgress })
  await traffic.stop()
  const seconds = (performance.now() - startedAt) / 1000
  const events = await countEvents(weir, traffic)
  await faults.pause()
  onProgress('2 GiB up and down')
  const volume = await measureVolume(weir.proxyUrl, () => workerUsage(weir).rssMegabytes)
  return summarize({ traffic, faults, samples, events, seconds, minutes, volume })
}

async function watch(
  weir: Weir,
  traffic: Traffic,
  { minutes, onProgress }: Pick<BenchOptions, 'minutes' | 'onProgress'>,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const endsAt = performance.now() + minutes * 60_000
  while (performance.now() < endsAt) {
    await sleep(Math.min(2_000, Math.max(0, endsAt - performance.now())))
    const workers = workerUsage(weir)
    const program = usageOf(weir.pid)
    samples.push({
      minute: performance.now() / 60_000,
      workers: workers.rssMegabytes,
      program: program.rssMegabytes,
    })
    if (samples.length % 15 === 0)
      onProgress(
        `${answered(traffic)} answers, workers ${rounded(workers.rssMegabytes)} MB, all ${rounded(program.rssMegabytes)} MB`,
      )
  }
  return samples
}

/** The first process is the supervisor; the control plane is the one that has loaded the warehouse. */
const workerUsage = (weir: Weir): Usage =>
  usageOf(weir.pid, (pid) => pid !== weir.pid && !hasLoaded(pid, 'chdb'))

const answered = ({ lanes: all }: Traffic): number =>
  all.reduce((sum, { complete }) => sum + complete, 0)

/** Waits until all events have arrived in the warehouse, and counts them by lane. */
async function countEvents(weir: Weir, traffic: Traffic): Promise<number[]> {
  let before = -1
  let counts: number[] = []
  await until(
    'the events to arrive',
    async () => {
      counts = await Promise.all(traffic.lanes.map(({ path }) => countPath(weir, path)))
      const now = counts.reduce((sum, count) => sum + count, 0)
      const isStill = now === before && now >= answered(traffic)
      before = now
      await sleep(1_000)
      return isStill
    },
    120_000,
  ).catch(() => undefined)
  return counts
}

async function countPath(weir: Weir, path: string): Promise<number> {
  const response = await weir.ask('/query', {
    measures: ['requests.count'],
    timeDimensions: [{ dimension: 'requests.time', dateRange: 'last 24 hours' }],
    filters: [{ member: 'requests.path', operator: 'startsWith', values: [path] }],
  })
  if (!response.ok) throw new Error(`the count was answered ${response.status}`)
  const { data } = (await response.json()) as Answer
  return Number(data[0]?.['requests.count'] ?? 0)
}

type Result = {
  readonly traffic: Traffic
  readonly faults: FaultInjection
  readonly samples: readonly Sample[]
  readonly events: readonly number[]
  readonly seconds: number
  readonly minutes: number
  readonly volume: readonly Row[]
}

function summarize(result: Result): Report {
  const { traffic, faults, samples, events, seconds } = result
  const growth = growthPerMinute(samples, 'workers')
  const broken = traffic.lanes.reduce((sum, lane) => sum + lane.broken, 0)
  const row = {
    case: `${rounded(seconds)} s of load with faults`,
    subject: 'weir',
    answers: answered(traffic),
    rps: rounded(answered(traffic) / seconds),
    events: events.reduce((sum, count) => sum + count, 0),
    broken,
    unexplained: unexplained(result),
    changes: faults.changes,
    deaths: faults.deaths.length,
    resets: traffic.resets,
    rss_mb: rounded(samples.at(-1)?.workers ?? 0),
    growth_mb_per_minute: rounded(growth, 2),
    program_rss_mb: rounded(samples.at(-1)?.program ?? 0),
    program_growth_mb_per_minute: rounded(growthPerMinute(samples, 'program'), 2),
  }
  const statuses = [...traffic.statuses].map(([status, count]) => `${status}: ${count}`).join(', ')
  return {
    rows: [row, ...result.volume],
    notes: [
      `Statuses: ${statuses}. A status is explained when it is 200, or of 500 and above within ${faultWindow / 1000} s of the death of a target.`,
      'broken counts answers that were cut because their target died; growth is the slope of memory over the second half.',
    ],
    violations: violations(result, growth),
  }
}

function unexplained({ traffic, faults }: Result): number {
  const isExplained = (at: number): boolean =>
    faults.deaths.some((death) => at >= death && at - death < faultWindow)
  const wrong = [...traffic.statuses].filter(([status]) => status !== 200 && status < 500)
  return (
    wrong.reduce((sum, [, count]) => sum + count, 0) +
    traffic.failures.filter((at) => !isExplained(at)).length
  )
}

function violations(result: Result, growth: number): string[] {
  const found = result.traffic.lanes.flatMap(({ path, complete, broken }, at) => {
    const events = result.events[at] ?? 0
    if (events >= complete && events <= complete + broken) return []
    return [`${path}: ${events} events for ${complete} complete and ${broken} broken answers`]
  })
  for (const { case: name, lost_bytes: lost, growth_mb: grown } of result.volume) {
    if (lost !== 0) found.push(`${name}: ${lost} bytes were lost`)
    if (Number(grown) > 100) found.push(`${name}: memory grew by ${grown} MB`)
  }
  if (unexplained(result) > 0) found.push(`${unexplained(result)} unexplained statuses`)
  if (result.minutes >= 5 && growth > maxGrowth)
    found.push(`memory grows by ${rounded(growth, 1)} MB a minute`)
  return found
}
