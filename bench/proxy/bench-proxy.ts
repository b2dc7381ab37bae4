import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepDefaultCertificate } from '../../src/proxy/keep-default-certificate.ts'
import { cores, type Usage } from '../processes.ts'
import { median, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { runWrk, type Load } from '../run-wrk.ts'
import { startNginx } from '../start-nginx.ts'
import { startPeers } from './start-peers.ts'
import { startWeirSubjects } from './start-weir-subjects.ts'
import { key, type Subject } from './subject.ts'

const connections = 64

/** A case: the path, the protocol, and whether each request uses a new connection. */
type Scenario = {
  readonly name: string
  readonly scheme: 'http' | 'https'
  readonly path: string
  readonly isKept: boolean
}

const scenarios: readonly Scenario[] = (['http', 'https'] as const).flatMap((scheme) =>
  [true, false].flatMap((isKept) =>
    ['small', '64k'].map((size) => ({
      name: `${size} ${isKept ? 'keep-alive' : 'new connections'}${scheme === 'https' ? ' https' : ''}`,
      scheme,
      path: `/${size}`,
      isKept,
    })),
  ),
)

type Measured = Load & { readonly carriers: Usage; readonly program: Usage }

/** Compares Weir with nginx, HAProxy, Caddy and a plain Node proxy in front of the same nginx: throughput, latency, CPU and memory. */
export async function benchProxy(options: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-proxy-'))
  const running: { close(): Promise<void> }[] = []
  const missing: string[] = []
  try {
    await keepDefaultCertificate(folder)
    const upstream = await startNginx({
      core: cores?.load,
      files: { '64k': 'x'.repeat(65_536) },
      server: `location /64k { root files; } location / { return 200 "${'x'.repeat(128)}"; }`,
    })
    running.push(upstream)
    const certificate = join(folder, 'default-certificate.pem')
    const subjectOptions = { upstream: upstream.url, certificate }
    const peers = await startPeers(subjectOptions, (name) => missing.push(name))
    running.push(...peers)
    const weirs = await startWeirSubjects(subjectOptions)
    running.push(...weirs)
    return summarize(await measureAll([...peers, ...weirs], options), missing)
  } finally {
    await Promise.all(running.map((one) => one.close()))
    rmSync(folder, { recursive: true })
  }
}

type Measurements = Map<string, { scenario: string; subject: string; measured: Measured[] }>

/** Each round measures every subject in every case, so that a slow minute of the machine affects all. */
async function measureAll(
  subjects: readonly Subject[],
  { rounds, seconds, only, onProgress }: BenchOptions,
): Promise<Measurements> {
  const found: Measurements = new Map()
  const turns = scenarios
    .filter(({ name }) => name.includes(only))
    .flatMap((scenario) => subjects.map((subject) => ({ scenario, subject })))
    .filter(({ scenario, subject }) => subject[scenario.scheme] !== undefined)
  for (let round = 0; round <= rounds; round++) {
    for (const { scenario, subject } of turns) {
      // Round 0 warms up the JIT compilers, connections and caches.
      const length = round === 0 ? Math.min(seconds, 3) : seconds
      const measured = await measure(subject, scenario, length)
      const label = round === 0 ? 'warm-up' : `round ${round}`
      onProgress(`${label}: ${scenario.name}: ${subject.name}: ${rounded(measured.rps)} rps`)
      if (round === 0) continue
      const id = `${scenario.name}/${subject.name}`
      const entry = found.get(id) ?? {
        scenario: scenario.name,
        subject: subject.name,
        measured: [],
      }
      entry.measured.push(measured)
      found.set(id, entry)
    }
  }
  return found
}

async function measure(subject: Subject, scenario: Scenario, seconds: number): Promise<Measured> {
  const before = { carriers: subject.carriers(), program: subject.program() }
  const load = await runWrk(`${subject[scenario.scheme]}${scenario.path}`, {
    core: cores?.load,
    seconds,
    connections,
    headers: scenario.isKept ? { apikey: key } : { apikey: key, connection: 'close' },
  })
  const busy = { carriers: subject.carriers(), program: subject.program() }
  await subject.settle()
  const spent = (part: 'carriers' | 'program'): Usage => ({
    cpuMicroseconds: subject[part]().cpuMicroseconds - before[part].cpuMicroseconds,
    rssMegabytes: busy[part].rssMegabytes,
  })
  return { ...load, carriers: spent('carriers'), program: spent('program') }
}

function summarize(measurements: Measurements, missing: readonly string[]): Report {
  const rows = [...measurements.values()].map(({ scenario, subject, measured }): Row => {
    const middle = (read: (one: Measured) => number, digits = 0): number =>
      rounded(median(measured.map(read)), digits)
    return {
      case: scenario,
      subject,
      rps: middle((one) => one.rps),
      p50_ms: middle((one) => one.p50, 2),
      p99_ms: middle((one) => one.p99, 2),
      p999_ms: middle((one) => one.p999, 2),
      cpu_us: middle((one) => one.carriers.cpuMicroseconds / one.requests, 1),
      program_cpu_us: middle((one) => one.program.cpuMicroseconds / one.requests, 1),
      rss_mb: middle((one) => one.carriers.rssMegabytes),
      program_rss_mb: middle((one) => one.program.rssMegabytes),
      errors: measured.reduce((sum, one) => sum + one.errors, 0),
    }
  })
  return {
    rows,
    notes: [
      `${connections} connections; answers of 128 bytes or 64 KiB. cpu_us is the CPU time per request of the processes that carry requests, program_cpu_us that of all processes.`,
      'weir only passes on, weir-stack asks for a key and limits by it. Weir records every request in both; its program also stores the events (chDB) and serves the Admin API.',
      ...missing.map((name) => `${name} is not installed and was left out.`),
      cores === undefined
        ? 'One core: nothing was pinned.'
        : 'Subjects on core 0; the upstream and wrk share core 1.',
    ],
  }
}
