import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http, { Agent } from 'node:http'
import { connect, type ClientHttp2Session } from 'node:http2'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultAdmissionLimits } from '../../src/proxy/limits.ts'
import { startSubject } from '../overload/start-subject.ts'
import { quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'

const inFlight = 100
/** Milliseconds between two new connections of a protocol. */
const connectInterval = 250

type Measured = {
  readonly statuses: ReadonlyMap<number, number>
  /** Milliseconds. */
  readonly latencies: readonly number[]
  /** Milliseconds until a request on a new connection was answered, the connection included. */
  readonly http1: readonly number[]
  readonly h2c: readonly number[]
}

/** A modest load on an idle machine and beside processes that keep every core busy; reports refusals, latency, and the time of requests on new connections. Any answer but 200 is a violation. */
export async function benchAdmission(options: BenchOptions): Promise<Report> {
  const rows: Row[] = []
  const violations: string[] = []
  const neighbours = 2 * availableParallelism()
  for (const [name, count] of [
    ['idle machine', 0],
    ['busy machine', neighbours],
  ] as const) {
    if (!name.includes(options.only)) continue
    const runs: Measured[] = []
    for (let round = 0; round < options.rounds; round++) {
      const measured = await measure(count, options.seconds)
      runs.push(measured)
      options.onProgress(`round ${round + 1}: ${name}: ${describe(measured.statuses)}`)
      for (const [status, times] of measured.statuses)
        if (status !== 200) violations.push(`${name}: ${times} answers ${status || 'broken'}`)
    }
    rows.push(rowOf(name, runs))
  }
  const notes = [
    `${inFlight} requests in flight on ${inFlight} connections, each sent after the answer to the one before; beside them new connections with one request, over HTTP/1.1 and h2c, ${connectInterval} ms after the one before.`,
    `busy machine: ${neighbours} processes that never sleep. Clients, worker and service share the cores with them; nothing is pinned.`,
  ]
  return { rows, notes, violations }
}

function rowOf(name: string, runs: readonly Measured[]): Row {
  const latencies = runs.flatMap((run) => run.latencies)
  const http1 = runs.flatMap((run) => run.http1)
  const h2c = runs.flatMap((run) => run.h2c)
  const answers = runs.flatMap(({ statuses }) => [...statuses])
  const count = (of: readonly (readonly [number, number])[]): number =>
    of.reduce((sum, [, times]) => sum + times, 0)
  return {
    case: name,
    subject: 'weir',
    answers: count(answers),
    not_200: count(answers.filter(([status]) => status !== 200)),
    p50_ms: rounded(quantile(latencies, 0.5), 1),
    p99_ms: rounded(quantile(latencies, 0.99), 1),
    new_connections: http1.length + h2c.length,
    new_http1_p50_ms: rounded(quantile(http1, 0.5), 1),
    new_http1_max_ms: rounded(quantile(http1, 1), 1),
    new_h2c_p50_ms: rounded(quantile(h2c, 0.5), 1),
    new_h2c_max_ms: rounded(quantile(h2c, 1), 1),
  }
}

const describe = (statuses: Measured['statuses']): string =>
  [...statuses].map(([status, times]) => `${times} × ${status || 'broken'}`).join(', ')

async function measure(neighbours: number, seconds: number): Promise<Measured> {
  const subject = await startSubject(
    {
      service: { batchSize: inFlight, milliseconds: 1 },
      work: 0,
      admission: defaultAdmissionLimits,
    },
    false,
  )
  const busy = Array.from({ length: neighbours }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  try {
    const until = performance.now() + seconds * 1_000
    const statuses = new Map<number, number>()
    const add = (status: number): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
    const run = async (send: () => Promise<number>, pause: number): Promise<number[]> => {
      const times: number[] = []
      while (performance.now() < until) {
        const startedAt = performance.now()
        add(await send())
        times.push(performance.now() - startedAt)
        if (pause > 0) await sleep(pause)
      }
      return times
    }
    const clients = Array.from({ length: inFlight }, () => run(() => ask(subject.port, agent), 0))
    const [http1, h2c, ...latencies] = await Promise.all([
      run(() => ask(subject.port, false), connectInterval),
      run(() => askOverHttp2(subject.port), connectInterval),
      ...clients,
    ])
    agent.destroy()
    return { statuses, latencies: latencies.flat(), http1, h2c }
  } finally {
    for (const child of busy) child.kill('SIGKILL')
    await subject.close()
  }
}

/** 0 when the exchange broke. */
function ask(port: number, agent: Agent | false): Promise<number> {
  return new Promise((resolve) => {
    http
      .get({ agent, port, host: '127.0.0.1' }, (response) => {
        response.resume().on('close', () => resolve(response.complete ? response.statusCode! : 0))
      })
      .on('error', () => resolve(0))
  })
}

async function askOverHttp2(port: number): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    return await firstStatus(session)
  } catch {
    return 0
  } finally {
    session.destroy()
  }
}

async function firstStatus(session: ClientHttp2Session): Promise<number> {
  const failed = once(session, 'error').then(([error]) => Promise.reject(error as Error))
  failed.catch(() => undefined)
  const stream = session.request({ ':path': '/' })
  const [head] = (await Promise.race([once(stream, 'response'), failed])) as [
    Record<string, unknown>,
  ]
  return Number(head[':status'])
}
