import { parseArgs } from 'node:util'
import { findProgram } from '../test/harness/require-program.ts'
import { renderJson, renderTable, type BenchOptions, type Report } from './report.ts'

type Benchmark = {
  readonly about: string
  readonly needs: readonly string[]
  readonly run: (options: BenchOptions) => Promise<Report>
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  proxy: {
    about: 'Weir compared with nginx, HAProxy, Caddy and Node: throughput, latency, CPU, memory.',
    needs: ['nginx', 'wrk', 'taskset'],
    run: async (options) => (await import('./proxy/bench-proxy.ts')).benchProxy(options),
  },
  freshness: {
    about: 'Time from a response to its row on a subscribed chart.',
    needs: [],
    run: async (options) =>
      (await import('./freshness/bench-freshness.ts')).benchFreshness(options),
  },
  soak: {
    about:
      'Full load with changes, killed targets and resets: memory, statuses, one event per response.',
    needs: [],
    run: async (options) => (await import('./soak/bench-soak.ts')).benchSoak(options),
  },
  overload: {
    about: 'Load at twice the capacity, with and without admission control: goodput and latency.',
    needs: ['taskset'],
    run: async (options) => (await import('./overload/bench-overload.ts')).benchOverload(options),
  },
  admission: {
    about: 'A modest load beside a busy machine: refusals, latency, new connections.',
    needs: [],
    run: async (options) =>
      (await import('./admission/bench-admission.ts')).benchAdmission(options),
  },
  reload: {
    about: 'Latency of requests while a large configuration changes.',
    needs: [],
    run: async (options) => (await import('./reload/bench-reload.ts')).benchReload(options),
  },
  routes: {
    about: 'Matching, compiling and changing up to 100,000 routes.',
    needs: [],
    run: async (options) => (await import('./routes/bench-routes.ts')).benchRoutes(options),
  },
  control: {
    about: 'Sync, dump and lists of 10,000 routes, and a preview over a million events.',
    needs: [],
    run: async (options) => (await import('./control/bench-control.ts')).benchControl(options),
  },
}

const usage = [
  'npm run bench -- NAME [--json] [--rounds 5] [--seconds 10] [--samples 300] [--case TEXT] [--minutes 10]',
  ...Object.entries(benchmarks).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`),
].join('\n')

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      samples: { type: 'string', default: '300' },
      case: { type: 'string', default: '' },
      minutes: { type: 'string', default: '10' },
    },
  })
  const [name = ''] = positionals
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
  if (benchmark === undefined) return refuse(usage)
  const missing = benchmark.needs.filter((program) => findProgram(program) === undefined)
  if (missing.length > 0) return refuse(`The benchmark ${name} needs ${missing.join(', ')}.`)
  const report = await benchmark.run({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    samples: Number(values.samples),
    only: values.case,
    minutes: Number(values.minutes),
    onProgress: (line) => console.error(line),
  })
  console.log(values.json ? renderJson(name, report) : `\n${renderTable(report)}`)
  for (const violation of report.violations ?? []) console.error(`violated: ${violation}`)
  return (report.violations ?? []).length > 0 ? 1 : 0
}

function refuse(message: string): number {
  console.error(message)
  return 2
}

process.exitCode = await main()
