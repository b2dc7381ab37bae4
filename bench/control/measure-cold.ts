import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WeirOptions } from '../../test/harness/start-weir.ts'
import { firstAnswer } from '../first-answer.ts'
import { freePort } from '../processes.ts'
import { median, rounded, type BenchOptions, type Row } from '../report.ts'
import { routePath } from './build-document.ts'
import { bytesIn, describeSubject, untilRouted, withWeir } from './open-subject.ts'
import { openTraffic, type Traffic } from './open-traffic.ts'
import { figureOf, watchProcesses } from './watch-processes.ts'

/** A gateway plane with a disk and an address of its own. */
type Gateway = {
  readonly options: WeirOptions & { readonly data: string }
  readonly port: number
}

type Start = {
  readonly milliseconds: number
  readonly cpuSeconds: number
  readonly megabytes: number
}

const maxRounds = 3

/** Starts a gateway plane from its own disk while its control plane is stopped. */
export async function measureCold(
  size: number,
  { workers, rounds, onProgress }: BenchOptions,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of workers) {
    onProgress(`cold start with ${size} services and routes, ${count} workers`)
    const traffic = await openTraffic()
    const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
    try {
      const gateway = await prepare(size, count, data, traffic)
      const starts: Start[] = []
      while (starts.length < Math.min(rounds, maxRounds))
        starts.push(await startCold(gateway, size))
      const medianOf = (figure: keyof Start): number => median(starts.map((one) => one[figure]))
      rows.push({
        case: `cold, ${size.toLocaleString('en-US')}, ${count} ${count === 1 ? 'worker' : 'workers'}`,
        subject: 'gateway plane from its disk',
        size,
        workers: count,
        first_answer_ms: rounded(medianOf('milliseconds')),
        worker_cpu_s: rounded(medianOf('cpuSeconds'), 2),
        worker_mb: rounded(medianOf('megabytes')),
        disk_mb: rounded(bytesIn(data) / 1e6, 1),
      })
      onProgress(JSON.stringify(rows.at(-1)))
    } finally {
      await traffic.close()
      rmSync(data, { recursive: true, force: true })
    }
  }
  return rows
}

/** Lets a gateway plane take the configuration from a control plane, and stops both. */
function prepare(size: number, workers: number, data: string, traffic: Traffic): Promise<Gateway> {
  return withWeir({ plane: 'control' }, async (control) => {
    const port = await freePort()
    const options = {
      plane: 'gateway' as const,
      data,
      env: {
        WEIR_WORKERS: String(workers),
        WEIR_PROXY_LISTEN: `127.0.0.1:${port}`,
        WEIR_CONTROL_URL: control.nodesUrl,
        WEIR_JOIN_TOKEN: readFileSync(join(control.data, 'join-token'), 'utf8').trim(),
      },
    }
    await describeSubject(control, traffic).load(size)
    await withWeir(options, (gateway) => untilRouted(gateway, routePath(size - 1)))
    return { options, port }
  })
}

async function startCold({ options, port }: Gateway, size: number): Promise<Start> {
  const startedAt = performance.now()
  const url = `http://127.0.0.1:${port}${routePath(size - 1)}`
  const answered = firstAnswer(url).then(() => performance.now() - startedAt)
  return withWeir(options, async (gateway) => {
    const milliseconds = await answered
    const watch = watchProcesses(gateway)
    watch.stop()
    const processes = watch.read()
    return {
      milliseconds,
      cpuSeconds: figureOf(processes, 'gateway', 'totalCpuSeconds'),
      megabytes: figureOf(processes, 'gateway', 'rssMegabytes'),
    }
  })
}
