import { setTimeout as sleep } from 'node:timers/promises'
import type { DeckState } from '../../test/harness/deck-client.ts'
import { rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { buildServices, livePath } from './build-services.ts'
import { routePath } from './build-document.ts'
import { syncWays, type SyncWay } from './deck-way.ts'
import { bytesIn, storeBytes, untilRouted, withSubject, type Subject } from './open-subject.ts'
import { figureOf, watchProcesses, type PlaneProcess } from './watch-processes.ts'

type Measured = Pick<Report, 'rows' | 'series'>

/** Milliseconds of traffic before the sync. */
const trafficBefore = 5_000

/** Syncs services and routes into an empty store beside traffic, entity by entity and as one document. */
export async function measureSync(
  size: number,
  { workers, settle, onProgress }: BenchOptions,
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const count of workers)
    for (const way of syncWays) {
      onProgress(`sync of ${size} services and routes, ${way.name}, ${count} workers`)
      const state = (subject: Subject): DeckState => buildServices(size, subject.traffic)
      const name = `sync ${size.toLocaleString('en-US')}, ${count} ${count === 1 ? 'worker' : 'workers'}`
      const found = await withSubject({ workers: count }, (subject) =>
        syncOnce(subject, way, state(subject), settle),
      )
      onProgress(JSON.stringify(found.row))
      measured.push({
        rows: [{ case: name, subject: way.name, size, workers: count, ...found.row }],
        series: found.processes.map(({ name: figure, memory: points }) => ({
          case: name,
          subject: way.name,
          figure: `MB of ${figure}`,
          points,
        })),
      })
    }
  return measured
}

type Figures = Omit<Row, 'case' | 'subject'>

async function syncOnce(
  { weir, traffic }: Subject,
  way: SyncWay,
  state: DeckState,
  settle: number,
): Promise<{ readonly row: Figures; readonly processes: readonly PlaneProcess[] }> {
  traffic.start(weir.proxyUrl + livePath)
  await sleep(1_000)
  await traffic.lap()
  await sleep(trafficBefore)
  const before = await traffic.lap()
  const watch = watchProcesses(weir)
  try {
    const startedAt = performance.now()
    await way.sync(weir, state)
    const time = performance.now() - startedAt
    const last = (state['routes']?.length ?? 0) - 3
    const served = await untilRouted(weir, routePath(last), startedAt)
    const during = await traffic.lap()
    const loaded = watch.read()
    await sleep(settle * 1_000)
    const settled = watch.read()
    return {
      processes: settled,
      row: {
        time_s: rounded(time / 1_000, 1),
        served_s: rounded(served / 1_000, 1),
        control_cpu_s: rounded(figureOf(loaded, 'control', 'cpuSeconds'), 1),
        worker_cpu_s: rounded(figureOf(loaded, 'gateway', 'cpuSeconds'), 1),
        control_peak_mb: rounded(figureOf(settled, 'control', 'peakMegabytes')),
        control_mb: rounded(figureOf(settled, 'control', 'rssMegabytes')),
        worker_peak_mb: rounded(figureOf(settled, 'gateway', 'peakMegabytes')),
        worker_mb: rounded(figureOf(settled, 'gateway', 'rssMegabytes')),
        deaths: settled.reduce((sum, { deaths }) => sum + deaths, 0),
        store_mb: rounded(storeBytes(weir) / 1e6, 1),
        disk_mb: rounded(bytesIn(weir.data) / 1e6, 1),
        p50_before_ms: before.p50,
        p50_ms: during.p50,
        p99_before_ms: before.p99,
        p99_ms: during.p99,
        max_ms: during.max,
        errors: during.errors,
      },
    }
  } finally {
    watch.stop()
  }
}
