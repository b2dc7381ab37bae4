import { setTimeout as sleep } from 'node:timers/promises'
import { median, quantile, rounded, type BenchOptions, type Row } from '../report.ts'
import { routePath } from './build-document.ts'
import { consumerId, guard, guardedPath, route, routeId, serviceId } from './build-services.ts'
import { openProbes, type ProbeAnswer, type ProbeRequest, type Probes } from './open-probes.ts'
import { storeBytes, untilRouted, withSubject, type Subject } from './open-subject.ts'
import { figureOf, watchProcesses } from './watch-processes.ts'

/** A kind of change, and how to see that a worker runs it. */
type Kind = {
  readonly name: string
  /** Requests of one turn. Each is a change. */
  requests(turn: number): readonly AdminRequest[]
  probe(turn: number): ProbeRequest
  isServed(turn: number, answer: ProbeAnswer): boolean
}

type AdminRequest = readonly [method: string, path: string, body?: object]

/** Milliseconds in which deferred work of a change is counted too. */
const deferred = 1_000
const maxServed = 100

/** Changes a configuration of `size` services and routes, one change after the other. */
export async function measureChange(
  size: number,
  { workers, samples, onProgress }: BenchOptions,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of workers) {
    onProgress(`changes beside ${size} services and routes, ${count} workers`)
    const found = await withSubject({ workers: count }, async (subject) => {
      await subject.load(size)
      await untilRouted(subject.weir, routePath(size - 1))
      await subject.admin('PUT', `/plugins/${guard.id}`, guard)
      await sleep(5_000)
      const own: Row[] = []
      for (const kind of kindsFor(size)) {
        const figures = await changeOneByOne(subject, kind, samples)
        own.push({
          case: `change, ${size.toLocaleString('en-US')}, ${count} ${count === 1 ? 'worker' : 'workers'}`,
          subject: kind.name,
          size,
          workers: count,
          ...figures,
        })
        onProgress(JSON.stringify(own.at(-1)))
      }
      return own
    })
    rows.push(...found)
  }
  return rows
}

const kindsFor = (size: number): readonly Kind[] => [
  // Before routes are changed, whose paths show the change.
  {
    name: 'PATCH of a service',
    requests: (turn) => [
      ['PATCH', `/services/${serviceId(turn % size)}`, { path: `/turn-${turn}` }],
    ],
    probe: (turn) => ({ path: routePath(turn % size) }),
    isServed: (turn, { body }) => body.startsWith(`/turn-${turn}`),
  },
  {
    name: 'PUT of a route',
    requests: (turn) => [
      ['PUT', `/routes/${routeId(turn % size)}`, route(turn % size, `/changed-${turn}`)],
    ],
    probe: (turn) => ({ path: `/changed-${turn}` }),
    isServed: (_turn, { status }) => status === 200,
  },
  {
    name: 'PUT of a consumer with a key',
    requests: (turn) => [
      ['PUT', `/consumers/${consumerId(turn)}`, { username: `consumer-${turn}` }],
      ['POST', `/consumers/${consumerId(turn)}/key-auth`, { key: `key-${turn}` }],
    ],
    probe: (turn) => ({ path: guardedPath, headers: { apikey: `key-${turn}` } }),
    isServed: (_turn, { status }) => status === 200,
  },
  {
    name: 'DELETE of the consumer',
    requests: (turn) => [['DELETE', `/consumers/${consumerId(turn)}`]],
    probe: (turn) => ({ path: guardedPath, headers: { apikey: `key-${turn}` } }),
    isServed: (_turn, { status }) => status === 401,
  },
]

/** CPU, answers and bytes of all turns, then of some more the time until all workers serve each. */
async function changeOneByOne(
  subject: Subject,
  kind: Kind,
  turns: number,
): Promise<Omit<Row, 'case' | 'subject'>> {
  const { weir } = subject
  const probes = await openProbes(weir)
  const watch = watchProcesses(weir)
  try {
    const bytes = storeBytes(weir)
    const answers: number[] = []
    for (let turn = 0; turn < turns; turn += 1)
      answers.push(...(await takeTurn(subject, kind, turn)))
    await untilServed(probes, kind, turns - 1)
    await sleep(deferred)
    const processes = watch.read()
    const grown = storeBytes(weir) - bytes
    const served: number[] = []
    for (let turn = turns; turn < turns + Math.min(turns, maxServed); turn += 1) {
      const last = (await takeTurn(subject, kind, turn)).at(-1) ?? 0
      const startedAt = performance.now() - last
      served.push(Math.max(...(await untilServed(probes, kind, turn, startedAt))))
    }
    const perChange = (seconds: number): number => rounded((seconds * 1_000) / answers.length, 2)
    return {
      changes: answers.length,
      control_cpu_ms: perChange(figureOf(processes, 'control', 'cpuSeconds')),
      worker_cpu_ms: perChange(figureOf(processes, 'gateway', 'cpuSeconds')),
      answer_p50_ms: rounded(median(answers), 1),
      answer_p99_ms: rounded(quantile(answers, 0.99), 1),
      served_p50_ms: rounded(median(served), 1),
      served_p99_ms: rounded(quantile(served, 0.99), 1),
      store_bytes: rounded(grown / answers.length),
      control_mb: rounded(figureOf(watch.read(), 'control', 'rssMegabytes')),
      worker_mb: rounded(figureOf(watch.read(), 'gateway', 'rssMegabytes')),
      deaths: watch.read().reduce((sum, { deaths }) => sum + deaths, 0),
    }
  } finally {
    watch.stop()
    probes.close()
  }
}

const untilServed = (probes: Probes, kind: Kind, turn: number, startedAt?: number) =>
  probes.untilServed(kind.probe(turn), (answer) => kind.isServed(turn, answer), startedAt)

/** Milliseconds until each answer. */
async function takeTurn({ admin }: Subject, kind: Kind, turn: number): Promise<number[]> {
  const times: number[] = []
  for (const [method, path, body] of kind.requests(turn)) {
    const startedAt = performance.now()
    await admin(method, path, body)
    times.push(performance.now() - startedAt)
  }
  return times
}
