import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../../src/schema/answer.ts'
import { until } from '../../test/harness/until.ts'
import { cores, hasLoaded, usageOf, type Usage } from '../processes.ts'
import { rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { startWeir, type Weir } from '../start-weir.ts'
import { openTraffic, type Traffic } from './open-traffic.ts'
import { measureVolume } from './measure-volume.ts'
import { slopeOf, type Sample } from './slope.ts'
import { startTrouble, type Trouble } from './start-trouble.ts'

const lanes = 8
/** Answers of 500 and above are explained for so long after a target died. */
const grief = 5_000
/** Memory may grow by so much a minute over the second half, beyond which it is a leak; short runs say little. */
const mostGrowth = 5

/** Full load while the configuration changes, targets die and clients reset their connections: no leak, no unexplained status, one event for each answer. */
export async function benchSoak(options: BenchOptions): Promise<Report> {
  const weir = await startWeir(cores?.subject)
  let trouble: Trouble | undefined
  try {
    trouble = await startTrouble(weir)
    return await soak(weir, trouble, options)
  } finally {
    await trouble?.rest()
    await trouble?.stop()
    await weir.close()
  }
}

async function soak(
  weir: Weir,
  trouble: Trouble,
  { minutes, tell }: BenchOptions,
): Promise<Report> {
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${weir.proxyUrl}/reset/small`)).status === 200
  await until('Weir to use its configuration', isReady)
  const startedAt = performance.now()
  const traffic = openTraffic(weir.proxyUrl, lanes)
  const samples = await watch(weir, traffic, { minutes, tell })
  await traffic.stop()
  const seconds = (performance.now() - startedAt) / 1000
  const events = await countEvents(weir, traffic)
  await trouble.rest()
  tell('2 GiB up and down')
  const volume = await measureVolume(weir.proxyUrl, () => carriersOf(weir).rssMegabytes)
  return summarize({ traffic, trouble, samples, events, seconds, minutes, volume })
}

async function watch(
  weir: Weir,
  traffic: Traffic,
  { minutes, tell }: Pick<BenchOptions, 'minutes' | 'tell'>,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const endsAt = performance.now() + minutes * 60_000
  while (performance.now() < endsAt) {
    await sleep(Math.min(2_000, Math.max(0, endsAt - performance.now())))
    const carriers = carriersOf(weir)
    const program = usageOf(weir.pid)
    samples.push({
      minute: performance.now() / 60_000,
      carriers: carriers.rssMegabytes,
      program: program.rssMegabytes,
    })
    if (samples.length % 15 === 0)
      tell(
        `${answered(traffic)} answers, carriers ${rounded(carriers.rssMegabytes)} MB, all ${rounded(program.rssMegabytes)} MB`,
      )
  }
  return samples
}

/** The supervisor is the first; the control plane is the one that holds the warehouse. */
const carriersOf = (weir: Weir): Usage =>
  usageOf(weir.pid, (pid) => pid !== weir.pid && !hasLoaded(pid, 'chdb'))

const answered = ({ lanes: all }: Traffic): number => all.reduce((sum, { whole }) => sum + whole, 0)

/** Events in the warehouse by lane, once all have arrived. */
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
  readonly trouble: Trouble
  readonly samples: readonly Sample[]
  readonly events: readonly number[]
  readonly seconds: number
  readonly minutes: number
  readonly volume: readonly Row[]
}

function summarize(result: Result): Report {
  const { traffic, trouble, samples, events, seconds } = result
  const growth = slopeOf(samples, 'carriers')
  const broken = traffic.lanes.reduce((sum, lane) => sum + lane.broken, 0)
  const row = {
    case: `${rounded(seconds)} s of load and trouble`,
    subject: 'weir',
    answers: answered(traffic),
    rps: rounded(answered(traffic) / seconds),
    events: events.reduce((sum, count) => sum + count, 0),
    broken,
    unexplained: unexplained(result),
    changes: trouble.changes,
    deaths: trouble.deaths.length,
    resets: traffic.resets,
    rss_mb: rounded(samples.at(-1)?.carriers ?? 0),
    growth_mb_per_minute: rounded(growth, 2),
    program_rss_mb: rounded(samples.at(-1)?.program ?? 0),
    program_growth_mb_per_minute: rounded(slopeOf(samples, 'program'), 2),
  }
  const statuses = [...traffic.statuses].map(([status, count]) => `${status}: ${count}`).join(', ')
  return {
    rows: [row, ...result.volume],
    notes: [
      `Statuses: ${statuses}. A status is explained when it is 200, or of 500 and above within ${grief / 1000} s of the death of a target.`,
      'broken counts answers that were cut because their target died; growth is the slope of memory over the second half.',
    ],
    violations: violations(result, growth),
  }
}

function unexplained({ traffic, trouble }: Result): number {
  const isExplained = (at: number): boolean =>
    trouble.deaths.some((death) => at >= death && at - death < grief)
  const wrong = [...traffic.statuses].filter(([status]) => status !== 200 && status < 500)
  return (
    wrong.reduce((sum, [, count]) => sum + count, 0) +
    traffic.failures.filter((at) => !isExplained(at)).length
  )
}

function violations(result: Result, growth: number): string[] {
  const found = result.traffic.lanes.flatMap(({ path, whole, broken }, at) => {
    const events = result.events[at] ?? 0
    if (events >= whole && events <= whole + broken) return []
    return [`${path}: ${events} events for ${whole} whole and ${broken} broken answers`]
  })
  for (const { case: name, lost_bytes: lost, growth_mb: grown } of result.volume) {
    if (lost !== 0) found.push(`${name}: ${lost} bytes were lost`)
    if (Number(grown) > 100) found.push(`${name}: memory grew by ${grown} MB`)
  }
  if (unexplained(result) > 0) found.push(`${unexplained(result)} unexplained statuses`)
  if (result.minutes >= 5 && growth > mostGrowth)
    found.push(`memory grows by ${rounded(growth, 1)} MB a minute`)
  return found
}
