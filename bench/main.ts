import { parseArgs } from 'node:util'
import { findProgram } from '../test/harness/require-program.ts'
import { renderJson, renderTable, type BenchOptions, type Report } from './report.ts'

type Benchmark = {
  readonly about: string
  readonly needs: readonly string[]
  /** Defaults of its own. */
  readonly defaults?: { readonly seconds?: string; readonly samples?: string }
  readonly run: (options: BenchOptions) => Promise<Report>
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  proxy: {
    about: 'Weir compared with nginx, HAProxy, Caddy and Node: throughput, latency, CPU, memory.',
    needs: ['nginx', 'wrk', 'taskset'],
    run: async (options) => (await import('./proxy/bench-proxy.ts')).benchProxy(options),
  },
  footprint: {
    about: 'Cold start to the first response, memory at rest and under load, beside nginx.',
    needs: ['nginx', 'wrk', 'taskset'],
    run: async (options) =>
      (await import('./footprint/bench-footprint.ts')).benchFootprint(options),
  },
  policies: {
    about: 'CPU time per request of each policy alone and of the usual ones together.',
    needs: ['wrk'],
    run: async (options) => (await import('./policies/bench-policies.ts')).benchPolicies(options),
  },
  freshness: {
    about: 'Time from a response to its row on a subscribed chart.',
    needs: [],
    run: async (options) =>
      (await import('./freshness/bench-freshness.ts')).benchFreshness(options),
  },
  recording: {
    about:
      'Cost of recording at 10, 1,000 and 10,000 requests a second while a chart is open: CPU, bytes, freshness.',
    needs: ['taskset'],
    run: async (options) =>
      (await import('./recording/bench-recording.ts')).benchRecording(options),
  },
  warehouse: {
    about:
      'A month of generated events (--events 2000000): load, size, and the pages of the Manager over an hour, a day and 30 days, by rollups, rows and SQL. With --directory the events are kept, an interrupted load goes on, and --case load only loads.',
    needs: [],
    run: async (options) =>
      (await import('./warehouse/bench-warehouse.ts')).benchWarehouse(options),
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
  'event-loop': {
    about: 'The longest hold of the event loop by hostile requests at each door.',
    needs: [],
    run: async (options) =>
      (await import('./event-loop/bench-event-loop.ts')).benchEventLoop(options),
  },
  reload: {
    about: 'Latency of requests while a large configuration changes.',
    needs: [],
    run: async (options) => (await import('./reload/bench-reload.ts')).benchReload(options),
  },
  plugins: {
    about: 'CPU time per request of plugins that record and export, beside none.',
    needs: ['nginx', 'wrk', 'taskset'],
    run: async (options) => (await import('./plugins/bench-plugins.ts')).benchPlugins(options),
  },
  routes: {
    about: 'Matching, compiling and changing up to 100,000 routes.',
    needs: [],
    run: async (options) => (await import('./routes/bench-routes.ts')).benchRoutes(options),
  },
  control: {
    about:
      'Changes of a large configuration, one by one and as a document; lists, previews. Cases: sync, change, steady, cold, configuration, preview, lists.',
    needs: [],
    defaults: { seconds: '60', samples: '500' },
    run: async (options) => (await import('./control/bench-control.ts')).benchControl(options),
  },
}

const usage = [
  'npm run bench -- NAME [--json] [--rounds 5] [--seconds 10] [--samples 300] [--case TEXT] [--minutes 10]',
  '                       [--sizes 1000,10000] [--workers 1] [--settle 120] [--events 2000000] [--directory PATH]',
  ...Object.entries(benchmarks).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`),
].join('\n')

/** Defaults of options that a benchmark may replace. */
const defaults = { seconds: '10', samples: '300' }

const parseCommandLine = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      samples: { type: 'string' },
      case: { type: 'string', default: '' },
      minutes: { type: 'string', default: '10' },
      sizes: { type: 'string', default: '' },
      workers: { type: 'string', default: '1' },
      settle: { type: 'string', default: '120' },
      events: { type: 'string', default: '2000000' },
      directory: { type: 'string', default: '' },
    },
  })

type Values = Required<ReturnType<typeof parseCommandLine>['values']>

const readOptions = (values: Values): BenchOptions => ({
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  samples: Number(values.samples),
  only: values.case,
  minutes: Number(values.minutes),
  sizes: numbersIn(values.sizes),
  workers: numbersIn(values.workers),
  settle: Number(values.settle),
  events: Number(values.events),
  directory: values.directory,
  onProgress: (line) => console.error(line),
})

async function main(): Promise<number> {
  const { values, positionals } = parseCommandLine()
  const [name = ''] = positionals
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
  if (benchmark === undefined) return refuse(usage)
  const missing = benchmark.needs.filter((program) => findProgram(program) === undefined)
  if (missing.length > 0) return refuse(`The benchmark ${name} needs ${missing.join(', ')}.`)
  const report = await benchmark.run(readOptions({ ...defaults, ...benchmark.defaults, ...values }))
  console.log(values.json ? renderJson(name, report) : `\n${renderTable(report)}`)
  for (const violation of report.violations ?? []) console.error(`violated: ${violation}`)
  return (report.violations ?? []).length > 0 ? 1 : 0
}

const numbersIn = (list: string): number[] =>
  list
    .split(',')
    .filter((text) => text !== '')
    .map(Number)

function refuse(message: string): number {
  console.error(message)
  return 2
}

process.exitCode = await main()
