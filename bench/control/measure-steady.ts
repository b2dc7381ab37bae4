import { setTimeout as sleep } from 'node:timers/promises'
import { rounded, slopeOf, type BenchOptions, type Report, type Row } from '../report.ts'
import { routePath } from './build-document.ts'
import { livePath, route, routeId, serviceId } from './build-services.ts'
import { openHolds, type HoldReader } from './open-holds.ts'
import { untilRouted, withSubject, type Subject } from './open-subject.ts'
import { figureOf, watchProcesses, type PlaneProcess } from './watch-processes.ts'

/** Changes a second. */
const rate = 100
const maxConcurrent = 10
const trafficBefore = 5_000

/** A hundred changes a second of a configuration of `size` services and routes, beside traffic. */
export async function measureSteady(
  size: number,
  { workers, seconds, onProgress }: BenchOptions,
): Promise<Pick<Report, 'rows' | 'series'>[]> {
  const measured: Pick<Report, 'rows' | 'series'>[] = []
  for (const count of workers) {
    onProgress(`${rate} changes a second beside ${size} services and routes, ${count} workers`)
    const name = `steady, ${size.toLocaleString('en-US')}, ${count} ${count === 1 ? 'worker' : 'workers'}`
    const subject = `${rate} changes/s for ${seconds} s`
    const holds = openHolds()
    const { row, processes } = await withSubject({ workers: count, env: holds.env }, (started) =>
      changeSteadily(started, size, { seconds, holds }),
    ).finally(() => holds.close())
    onProgress(JSON.stringify(row))
    measured.push({
      rows: [{ case: name, subject, size, workers: count, ...row }],
      series: processes.map(({ name: figure, memory: points }) => ({
        case: name,
        subject,
        figure: `MB of ${figure}`,
        points,
      })),
    })
  }
  return measured
}

async function changeSteadily(
  { weir, traffic, admin, load }: Subject,
  size: number,
  { seconds, holds }: { readonly seconds: number; readonly holds: HoldReader },
): Promise<{
  readonly row: Omit<Row, 'case' | 'subject'>
  readonly processes: readonly PlaneProcess[]
}> {
  await load(size)
  await untilRouted(weir, routePath(size - 1))
  traffic.start(weir.proxyUrl + livePath)
  await sleep(trafficBefore)
  await traffic.lap()
  await sleep(trafficBefore)
  const before = await traffic.lap()
  const readHolds = async () => ({
    control: await holds.read(weir, 'weir control'),
    worker: await holds.read(weir, 'weir gateway'),
  })
  await readHolds()
  const watch = watchProcesses(weir)
  try {
    const change = (turn: number): Promise<unknown> =>
      turn % 2 === 0
        ? admin('PUT', `/routes/${routeId(turn % size)}`, route(turn % size, `/steady-${turn}`))
        : admin('PATCH', `/services/${serviceId(turn % size)}`, { path: `/steady-${turn}` })
    const changes = await keepRate(change, seconds)
    const processes = watch.read()
    const during = await traffic.lap()
    const { control, worker } = await readHolds()
    return {
      processes,
      row: {
        changes,
        changes_s: rounded(changes / seconds, 1),
        control_cpu_ms: perChange(figureOf(processes, 'control', 'cpuSeconds'), changes),
        worker_cpu_ms: perChange(figureOf(processes, 'gateway', 'cpuSeconds'), changes),
        control_mb: rounded(figureOf(processes, 'control', 'rssMegabytes')),
        worker_mb: rounded(figureOf(processes, 'gateway', 'rssMegabytes')),
        control_slope_mb: growth(processes, 'control', changes / seconds),
        worker_slope_mb: growth(processes, 'gateway', changes / seconds),
        control_hold_ms: rounded(control.longest, 1),
        worker_hold_ms: rounded(worker.longest, 1),
        worker_long_holds: worker.long,
        deaths: processes.reduce((sum, { deaths }) => sum + deaths, 0),
        p99_before_ms: before.p99,
        p50_ms: during.p50,
        p99_ms: during.p99,
        max_ms: during.max,
        errors: during.errors,
      },
    }
  } finally {
    watch.stop()
  }
}

const perChange = (seconds: number, changes: number): number =>
  rounded((seconds * 1_000) / changes, 2)

/** Megabytes per 1,000 changes over the second half, of the process that grows most. */
function growth(
  processes: readonly PlaneProcess[],
  plane: 'control' | 'gateway',
  changesPerSecond: number,
): number {
  const slopes = processes
    .filter(({ name }) => name.startsWith(`weir ${plane}`))
    .map(({ memory }) => slopeOf(memory.slice(Math.floor(memory.length / 2))))
  return rounded((Math.max(...slopes) / changesPerSecond) * 1_000, 2)
}

/** Makes changes when they are due, some at a time; those that cannot keep up are late. Returns how many were answered. */
async function keepRate(
  change: (turn: number) => Promise<unknown>,
  seconds: number,
): Promise<number> {
  const startedAt = performance.now()
  const passed = (): number => performance.now() - startedAt
  let turn = 0
  let answered = 0
  const work = async (): Promise<void> => {
    while (passed() < seconds * 1_000) {
      const own = turn
      turn += 1
      const dueIn = (own * 1_000) / rate - passed()
      if (dueIn > 0) await sleep(dueIn)
      await change(own)
      answered += 1
    }
  }
  await Promise.all(Array.from({ length: maxConcurrent }, work))
  return answered
}
