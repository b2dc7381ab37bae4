import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { watchPaths } from '../freshness/watch-paths.ts'
import { cores, titleOf, usageOf } from '../processes.ts'
import { median, quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { startWeir, type Weir } from '../start-weir.ts'
import { sendAtRate } from './send-at-rate.ts'

const rates = [10, 1_000, 10_000]

/** Answers of the gateway itself, so that no upstream takes part. */
async function configure(weir: Weir): Promise<void> {
  await weir.admin('PUT', '/services/echo', { host: '127.0.0.1', port: 9 })
  await weir.admin('PUT', '/routes/echo', {
    service: { name: 'echo' },
    paths: ['/sample', '/sample-free'],
  })
  await weir.admin('POST', '/routes/echo/plugins', {
    name: 'request-termination',
    config: { status_code: 200, message: 'ok' },
  })
  for (;;) {
    if ((await fetch(`${weir.proxyUrl}/sample/ready`)).status === 200) return
    await wait(50)
  }
}

/** CPU microseconds of the processes of a plane. */
const cpuOf = (weir: Weir, title: string): number =>
  usageOf(weir.pid, (pid) => titleOf(pid).startsWith(title)).cpuMicroseconds

const bytesBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => {
      try {
        return sum + statSync(join(parentPath, name)).size
      } catch {
        // It was merged meanwhile.
        return sum
      }
    }, 0)

async function measure(weir: Weir, rate: number, seconds: number) {
  const seen = new Map<string, number>()
  const stop = new AbortController()
  const watching = watchPaths(weir, seen, stop.signal).catch(() => undefined)
  await sendAtRate(weir.proxyUrl, Math.min(rate, 200), 1)
  await wait(1_000)
  const before = { gateway: cpuOf(weir, 'weir gateway'), control: cpuOf(weir, 'weir control') }
  const disk = bytesBelow(join(weir.data, 'warehouse'))
  const { sent, answered, samples } = await sendAtRate(weir.proxyUrl, rate, seconds)
  await wait(2_000)
  const cpu = (plane: 'gateway' | 'control') =>
    (cpuOf(weir, `weir ${plane}`) - before[plane]) / answered
  const result = {
    sent,
    answered,
    gateway: cpu('gateway'),
    control: cpu('control'),
    disk: (bytesBelow(join(weir.data, 'warehouse')) - disk) / answered,
    delays: [...samples].flatMap(([path, at]) => {
      const shown = seen.get(path)
      return shown === undefined ? [] : [Math.max(0, shown - at)]
    }),
  }
  stop.abort()
  await watching
  return result
}

/** Measures what recording costs at several rates, beside the checkout that WEIR_BENCH_BEFORE names. */
export async function benchRecording(options: BenchOptions): Promise<Report> {
  const { rounds, seconds, only, onProgress } = options
  const before = process.env['WEIR_BENCH_BEFORE']
  const subjects = [
    ['weir', undefined],
    ...(before === undefined ? [] : [['weir before', before] as const]),
  ] as const
  const rows: Row[] = []
  for (const rate of rates.filter((one) => `${one} a second`.includes(only))) {
    const results = new Map<string, Awaited<ReturnType<typeof measure>>[]>()
    for (let round = 1; round <= rounds; round += 1) {
      for (const [subject, root] of subjects) {
        const weir = await startWeir(cores?.subject, root)
        try {
          await configure(weir)
          const result = await measure(weir, rate, seconds)
          results.set(subject, [...(results.get(subject) ?? []), result])
          onProgress(
            `${rate} a second, ${subject}, round ${round}: gateway ${rounded(result.gateway, 1)} µs, control ${rounded(result.control, 1)} µs, ${result.answered} of ${result.sent} answered`,
          )
        } finally {
          await weir.close()
        }
      }
    }
    for (const [subject, of] of results) {
      const delays = of.flatMap((one) => one.delays)
      const middle = (pick: (one: (typeof of)[number]) => number) => median(of.map(pick))
      rows.push({
        case: `${rate} a second`,
        subject,
        gateway_cpu_us: rounded(
          middle((one) => one.gateway),
          1,
        ),
        control_cpu_us: rounded(
          middle((one) => one.control),
          1,
        ),
        control_core_percent: rounded(
          middle((one) => (one.control * one.answered) / seconds / 1e4),
          1,
        ),
        disk_bytes: rounded(middle((one) => one.disk)),
        fresh_p50_ms: rounded(quantile(delays, 0.5)),
        fresh_p99_ms: rounded(quantile(delays, 0.99)),
      })
    }
  }
  const notes = [
    'Per event: CPU of the gateway worker for the whole request, which a plugin answers, and of the control plane with an open chart; bytes that the warehouse grew by before merges.',
    ...(before === undefined ? ['WEIR_BENCH_BEFORE names no checkout to compare with.'] : []),
  ]
  return { rows, notes }
}
