import { until } from '../../test/harness/until.ts'
import { cores, hasLoaded, usageOf } from '../processes.ts'
import { median, rounded, type BenchOptions, type Report } from '../report.ts'
import { runWrk } from '../run-wrk.ts'
import { startNginx } from '../start-nginx.ts'
import { startWeir, type Weir } from '../start-weir.ts'

const batches = { max_batch_size: 1_000, max_coalescing_delay: 0.2 }

/** The plugins of each case; the first has none. */
const casesAt = (collector: string): Readonly<Record<string, readonly object[]>> => ({
  none: [],
  'recording-privacy, truncate': [{ name: 'recording-privacy' }],
  'recording-privacy, hash': [
    { name: 'recording-privacy', config: { client_address: 'hash', hash_key: 'x'.repeat(32) } },
  ],
  prometheus: [
    {
      name: 'prometheus',
      config: { status_code_metrics: true, latency_metrics: true, bandwidth_metrics: true },
    },
  ],
  'http-log': [{ name: 'http-log', config: { http_endpoint: collector, queue: batches } }],
  'http-log, collector down': [
    { name: 'http-log', config: { http_endpoint: 'http://127.0.0.1:1/', queue: batches } },
  ],
  'file-log': [{ name: 'file-log', config: { path: '/dev/null' } }],
  'opentelemetry, propagation': [
    { name: 'opentelemetry', config: { traces_endpoint: collector, sampling_rate: 0 } },
  ],
  'opentelemetry, all traces': [
    { name: 'opentelemetry', config: { traces_endpoint: collector, queue: batches } },
  ],
})

/** CPU time of the worker per request with each plugin, in turns on the same worker. */
export async function benchPlugins({
  rounds,
  seconds,
  only,
  onProgress,
}: BenchOptions): Promise<Report> {
  const nginx = await startNginx({
    core: cores?.load,
    server: `client_max_body_size 0; location / { return 200 "${'x'.repeat(128)}"; }`,
  })
  const weir = await startWeir(cores?.subject, undefined, { WEIR_LOG_DIRECTORIES: '/dev' })
  try {
    const all = casesAt(`${nginx.url}/collector`)
    const names = Object.keys(all).filter((name) => name === 'none' || name.includes(only))
    for (const [at, name] of names.entries())
      await configure(weir, new URL(nginx.url), `c${at}`, all[name] ?? [])
    const found = new Map<string, number[]>()
    let errors = 0
    for (let round = 0; round <= rounds; round += 1)
      for (const [at, name] of names.entries()) {
        const { cpu, errors: failed } = await measure(weir, `${weir.proxyUrl}/c${at}`, seconds)
        errors += failed
        onProgress(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name}: ${rounded(cpu, 1)} µs`)
        if (round > 0) found.set(name, [...(found.get(name) ?? []), cpu])
      }
    const bare = median(found.get('none') ?? [])
    return {
      rows: names.map((name) => {
        const cpu = median(found.get(name) ?? [])
        return {
          case: 'small keep-alive',
          subject: name,
          cpu_us: rounded(cpu, 1),
          more_us: rounded(cpu - bare, 1),
        }
      }),
      notes: [
        'CPU time of the worker per request, also that of sending entries; 64 connections.',
        `${errors} responses had an error.`,
      ],
    }
  } finally {
    await Promise.all([weir.close(), nginx.close()])
  }
}

async function configure(
  weir: Weir,
  { hostname: host, port }: URL,
  name: string,
  plugins: readonly object[],
): Promise<void> {
  await weir.admin('PUT', `/services/${name}`, { host, port: Number(port) })
  await weir.admin('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}`] })
  for (const plugin of plugins) await weir.admin('POST', `/services/${name}/plugins`, plugin)
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${weir.proxyUrl}/${name}`)).status === 200
  await until('Weir to use its configuration', isReady)
}

async function measure(
  weir: Weir,
  url: string,
  seconds: number,
): Promise<{ readonly cpu: number; readonly errors: number }> {
  // The first process is the supervisor; the control plane is the one that has loaded the warehouse.
  const worker = () => usageOf(weir.pid, (pid) => pid !== weir.pid && !hasLoaded(pid, 'chdb'))
  const before = worker().cpuMicroseconds
  const load = await runWrk(url, { core: cores?.load, seconds, connections: 64 })
  const spent = worker().cpuMicroseconds - before
  return { cpu: spent / load.requests, errors: load.errors }
}
