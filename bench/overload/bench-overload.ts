import { defaultAdmissionLimits } from '../../src/proxy/limits.ts'
import { median, quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { clientTimeout, measureCapacity, offerLoad, type Outcome } from './offer-load.ts'
import { startSubject, type SubjectOrder } from './start-subject.ts'

type Scenario = SubjectOrder & { readonly name: string }

const scenarios: readonly Scenario[] = [
  {
    name: 'slow service',
    service: { batchSize: 20, milliseconds: 10 },
    work: 0,
    admission: { ...defaultAdmissionLimits, inFlight: 40 },
  },
  {
    name: 'busy worker',
    service: { batchSize: 1, milliseconds: 0 },
    work: 0.5,
    admission: defaultAdmissionLimits,
  },
]

type Measured = Outcome & { readonly seconds: number; readonly rss: number }

/** Offers twice the capacity, with admission control and without; reports goodput, latency and refusals. */
export async function benchOverload(options: BenchOptions): Promise<Report> {
  const rows: Row[] = []
  for (const scenario of scenarios.filter(({ name }) => name.includes(options.only)))
    rows.push(...(await compare(scenario, options)))
  const notes = [
    `Load is offered in an open loop at twice the capacity, on 1,000 connections; clients give up after ${clientTimeout / 1_000} s. goodput_rps are answers 200 before that.`,
    'slow service: 20 requests at a time, 10 ms each, an unbounded queue; 40 in flight allowed. busy worker: 0.5 ms of CPU for each request, limits as they come.',
    'A process of its own carries the requests and records each; weir-unlimited is the same without any limit.',
  ]
  return { rows, notes }
}

async function compare(scenario: Scenario, { rounds, seconds, onProgress }: BenchOptions) {
  const found = new Map<string, Measured[]>()
  let capacity = 0
  for (let round = 0; round < rounds; round++) {
    for (const subject of ['weir', 'weir-unlimited']) {
      const admission = subject === 'weir' ? scenario.admission : undefined
      const running = await startSubject({ ...scenario, admission })
      try {
        await measureCapacity(running.port, 2)
        if (capacity === 0) capacity = await measureCapacity(running.port, 3)
        const outcome = await offerLoad(running.port, capacity * 2, seconds)
        const measured = { ...outcome, seconds, rss: running.megabytes() }
        found.set(subject, [...(found.get(subject) ?? []), measured])
        const goodput = rounded(outcome.served.length / seconds)
        onProgress(
          `round ${round + 1}: ${scenario.name}: ${subject}: ${goodput} of ${rounded(capacity)} rps`,
        )
      } finally {
        await running.close()
      }
    }
  }
  return [...found].map(([subject, measured]) => rowOf(scenario.name, subject, capacity, measured))
}

function rowOf(name: string, subject: string, capacity: number, runs: readonly Measured[]): Row {
  const middle = (value: (run: Measured) => number): number => median(runs.map(value))
  return {
    case: name,
    subject,
    capacity_rps: rounded(capacity),
    offered_rps: rounded(middle(({ offered, seconds }) => offered / seconds)),
    goodput_rps: rounded(middle(({ served, seconds }) => served.length / seconds)),
    p50_ms: rounded(
      middle(({ served }) => quantile(served, 0.5)),
      1,
    ),
    p99_ms: rounded(
      middle(({ served }) => quantile(served, 0.99)),
      1,
    ),
    refused_share: rounded(
      middle(({ refused, offered }) => refused.length / offered),
      3,
    ),
    refused_p99_ms: rounded(
      middle(({ refused }) => quantile(refused, 0.99)),
      1,
    ),
    lost_share: rounded(
      middle(({ lost, offered }) => lost / offered),
      3,
    ),
    rss_mb: rounded(middle(({ rss }) => rss)),
  }
}
