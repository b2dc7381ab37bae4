import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { firstAnswer } from '../first-answer.ts'
import { cores, freePort, startPinned, stopProcess, usageOf, type Started } from '../processes.ts'
import { median, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { runWrk } from '../run-wrk.ts'
import { startNginx } from '../start-nginx.ts'
import { mainOf, ownRoot } from '../start-weir.ts'
import { memoryOf, type Memory } from './memory-of.ts'

/** A program that proxies `url` to the upstream as soon as it runs. */
type Subject = {
  readonly name: string
  readonly url: string
  /** Resolves once all of it runs. */
  start(): Promise<{ readonly pid: number; ready(): Promise<void>; stop(): Promise<void> }>
  close(): void
}

type Measured = {
  readonly milliseconds: number
  readonly cpuMilliseconds: number
  readonly rest: ReadonlyMap<string, Memory>
  readonly load: ReadonlyMap<string, Memory>
}

/** Milliseconds from the end of a start until memory is read. */
const settling = 5_000
const connections = 64
const token = 'bench-admin-token-0000000000'

/** Measures cold starts, and memory at rest and under load, beside nginx and the checkout that WEIR_BENCH_BEFORE names. */
export async function benchFootprint(options: BenchOptions): Promise<Report> {
  const { rounds, onProgress } = options
  const upstream = await startNginx({
    core: cores?.load,
    server: "location / { return 200 'ok'; }",
  })
  const before = process.env['WEIR_BENCH_BEFORE']
  const subjects = [
    await prepareNginx(upstream.url),
    await prepareWeir('weir', ownRoot, upstream.url),
    ...(before === undefined ? [] : [await prepareWeir('weir before', before, upstream.url)]),
  ]
  const results = new Map<Subject, Measured[]>()
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const subject of subjects) {
        onProgress(`round ${round} of ${rounds}: ${subject.name}`)
        results.set(subject, [...(results.get(subject) ?? []), await measure(subject, options)])
      }
    }
  } finally {
    for (const subject of subjects) subject.close()
    await upstream.close()
  }
  return {
    rows: [...results].flatMap(([{ name }, measured]) => rowsOf(name, measured)),
    notes: [
      'Cold start: from the start of the process to the first proxied response, on one core shared by all processes of the subject; Weir has the route on its disk.',
      `cpu_ms: of all processes from the start until ${settling / 1000} s after it. Pages of memory that processes share count in rss_mb for each of them, in pss_mb once.`,
      `Load: ${connections} connections, for ${options.seconds} s.`,
    ],
  }
}

async function measure(subject: Subject, { seconds }: BenchOptions): Promise<Measured> {
  const startedAt = performance.now()
  const running = await subject.start()
  try {
    await firstAnswer(subject.url)
    const milliseconds = performance.now() - startedAt
    await running.ready()
    await wait(settling)
    const { cpuMicroseconds } = usageOf(running.pid)
    const rest = memoryOf(running.pid)
    await runWrk(subject.url, { core: cores?.load, seconds, connections })
    const load = memoryOf(running.pid)
    return { milliseconds, cpuMilliseconds: cpuMicroseconds / 1_000, rest, load }
  } finally {
    await running.stop()
  }
}

function rowsOf(subject: string, measured: readonly Measured[]): Row[] {
  const of = (figure: (one: Measured) => number): number => rounded(median(measured.map(figure)))
  const start: Row = {
    case: 'cold start',
    subject,
    first_response_ms: of((one) => one.milliseconds),
    cpu_ms: of((one) => one.cpuMilliseconds),
  }
  const titles = [...new Set(measured.flatMap(({ rest }) => [...rest.keys()]))]
  const memory = (['rest', 'load'] as const).flatMap((when) =>
    titles.map((title): Row => ({
      case: when,
      subject: title === '' ? subject : `${subject}: ${title}`,
      rss_mb: of((one) => one[when].get(title)?.rss ?? 0),
      pss_mb: of((one) => one[when].get(title)?.pss ?? 0),
      anonymous_mb: of((one) => one[when].get(title)?.anonymous ?? 0),
    })),
  )
  return [start, ...memory]
}

async function prepareNginx(upstream: string): Promise<Subject> {
  const port = await freePort()
  const server = `location / { proxy_pass ${upstream}; proxy_http_version 1.1; }`
  return {
    name: 'nginx',
    url: `http://127.0.0.1:${port}/`,
    async start() {
      const nginx = await startNginx({ core: cores?.subject, server, port })
      return { pid: nginx.pid, ready: () => Promise.resolve(), stop: () => nginx.close() }
    },
    close: () => undefined,
  }
}

/** A Weir that has been configured, and keeps its data and its addresses. */
async function prepareWeir(name: string, root: string, upstream: string): Promise<Subject> {
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const address = async (): Promise<string> => `127.0.0.1:${await freePort()}`
  const env = {
    WEIR_PROXY_LISTEN: await address(),
    WEIR_PROXY_SSL_LISTEN: await address(),
    WEIR_ADMIN_LISTEN: await address(),
    WEIR_MANAGER_LISTEN: await address(),
    WEIR_NODE_LISTEN: await address(),
    WEIR_WORKERS: '1',
    WEIR_ADMIN_TOKEN: token,
  }
  const admin = `http://${env.WEIR_ADMIN_LISTEN}`
  const put = async (path: string, body: object): Promise<void> => {
    const headers = { 'kong-admin-token': token, 'content-type': 'application/json' }
    const init = { method: 'PUT', headers, body: JSON.stringify(body) }
    const { ok, status } = await fetch(`${admin}${path}`, init)
    if (!ok) throw new Error(`PUT ${path} was answered ${status}`)
  }
  const subject: Subject = {
    name,
    url: `http://${env.WEIR_PROXY_LISTEN}/`,
    async start() {
      const command = [process.execPath, mainOf(root), 'start', '--data', data]
      const child: Started = startPinned(cores?.subject, command, env)
      return {
        pid: child.pid ?? 0,
        ready: () => firstAnswer(`http://${env.WEIR_MANAGER_LISTEN}/`),
        stop: () => stopProcess(child),
      }
    },
    close: () => rmSync(data, { recursive: true, force: true }),
  }
  const running = await subject.start()
  try {
    await running.ready()
    await put('/services/small', { url: upstream })
    await put('/routes/small', { service: { name: 'small' }, paths: ['/'] })
    await firstAnswer(subject.url)
  } finally {
    await running.stop()
  }
  return subject
}
