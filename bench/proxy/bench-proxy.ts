import { cores, type Usage } from '../processes.ts'
import { median, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { runWrk, type Load } from '../run-wrk.ts'
import { startNginx } from '../start-nginx.ts'
import { scenarios, key, startBareNginx, startKeyedNginx, startWeirSubject } from './subjects.ts'
import type { Scenario, Subject } from './subjects.ts'

const connections = 64

type Measured = Load & { readonly carriers: Usage; readonly program: Usage }

/** Weir beside nginx as a proxy to the same small nginx: throughput, latency and CPU per request. */
export async function benchProxy(options: BenchOptions): Promise<Report> {
  const body = 'x'.repeat(128)
  const upstream = await startNginx({ core: cores?.load, server: `return 200 "${body}";` })
  const subjects: Subject[] = []
  try {
    for (const start of [startBareNginx, startKeyedNginx, startWeirSubject])
      subjects.push(await start(upstream.url))
    return summarize(await measureAll(subjects, options))
  } finally {
    await Promise.all([...subjects, upstream].map((running) => running.close()))
  }
}

type Measurements = Map<string, { scenario: Scenario; subject: string; measured: Measured[] }>

async function measureAll(
  subjects: readonly Subject[],
  { rounds, seconds, tell }: BenchOptions,
): Promise<Measurements> {
  const found: Measurements = new Map()
  for (let round = 0; round <= rounds; round++) {
    for (const scenario of scenarios) {
      for (const subject of subjects) {
        const url = subject.url(scenario)
        if (url === undefined) continue
        // Round 0 warms up: compilers, connections, caches.
        const measured = await measure(subject, url, round === 0 ? Math.min(seconds, 3) : seconds)
        tell(
          `${round === 0 ? 'warm-up' : `round ${round}`}: ${scenario}: ${subject.name}: ${rounded(measured.rps)} rps`,
        )
        if (round === 0) continue
        const id = `${scenario}/${subject.name}`
        const entry = found.get(id) ?? { scenario, subject: subject.name, measured: [] }
        entry.measured.push(measured)
        found.set(id, entry)
      }
    }
  }
  return found
}

async function measure(subject: Subject, url: string, seconds: number): Promise<Measured> {
  const before = { carriers: subject.carriers(), program: subject.program() }
  const load = await runWrk(url, {
    core: cores?.load,
    seconds,
    connections,
    headers: { apikey: key },
  })
  const busy = { carriers: subject.carriers(), program: subject.program() }
  await subject.settle()
  const spent = (part: 'carriers' | 'program'): Usage => ({
    cpuMicroseconds: subject[part]().cpuMicroseconds - before[part].cpuMicroseconds,
    rssMegabytes: busy[part].rssMegabytes,
  })
  return { ...load, carriers: spent('carriers'), program: spent('program') }
}

function summarize(measurements: Measurements): Report {
  const rows = [...measurements.values()].map(({ scenario, subject, measured }): Row => {
    const middle = (read: (one: Measured) => number, digits = 0): number =>
      rounded(median(measured.map(read)), digits)
    return {
      case: scenario,
      subject,
      rps: middle((one) => one.rps),
      p50_ms: middle((one) => one.p50, 2),
      p99_ms: middle((one) => one.p99, 2),
      cpu_us: middle((one) => one.carriers.cpuMicroseconds / one.requests, 1),
      program_cpu_us: middle((one) => one.program.cpuMicroseconds / one.requests, 1),
      rss_mb: middle((one) => one.carriers.rssMegabytes),
      program_rss_mb: middle((one) => one.program.rssMegabytes),
      errors: measured.reduce((sum, one) => sum + one.errors, 0),
    }
  })
  return {
    rows: rows.toSorted((one, other) => one.case.localeCompare(other.case)),
    notes: [
      `${connections} kept-alive connections, 128-byte answers; cpu_us is the CPU time per request of the processes that carry requests, program_cpu_us that of all processes.`,
      'Weir records every request in both cases; its program also stores the events (chDB) and serves the Admin API.',
      cores === undefined
        ? 'One core: nothing was pinned.'
        : 'Subjects on core 0; the upstream and wrk share core 1.',
    ],
  }
}
