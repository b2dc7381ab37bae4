import type { BenchOptions, Report, Row } from '../report.ts'
import { measureChange } from './measure-change.ts'
import { measureCold } from './measure-cold.ts'
import { measureConfiguration } from './measure-configuration.ts'
import { measureLists } from './measure-lists.ts'
import { measurePreview } from './measure-preview.ts'
import { measureSteady } from './measure-steady.ts'
import { measureSync } from './measure-sync.ts'
import { missedTargets } from './targets.ts'

const size = { routes: 10_000, consumers: 5_000 }
const events = 1_000_000
const growing = [1_000, 10_000, 20_000]
const large = [20_000]

type Part = {
  readonly name: string
  /** Sizes unless some are given; none for a part with a size of its own. */
  readonly sizes?: readonly number[]
  readonly notes: readonly string[]
  measure(
    this: void,
    size: number,
    options: BenchOptions,
  ): Promise<Pick<Report, 'rows' | 'series'>[]>
}

const inRows = async (rows: Promise<readonly Row[]>) => [{ rows: await rows }]

const parts: readonly Part[] = [
  {
    name: 'sync',
    sizes: growing,
    notes: [
      'sync: as many services and routes into an empty store. WEIR_DECK names the program of decK; without it a client sends the same requests in the same order, ten at a time. It does not read decK files, print, or retry.',
      'time_s is until the end of the sync, served_s until every worker serves the last route. Worker figures are those of the worker with the highest; CPU is that until served_s. _mb is resident memory --settle seconds later, peak_mb the highest before. Traffic is 200 requests a second on 20 connections for one route, timed from when each was due; it shares the cores.',
    ],
    measure: measureSync,
  },
  {
    name: 'change',
    sizes: growing,
    notes: [
      'change: --samples changes of each kind (of a consumer with a key twice as many), one after the other, with as many services and routes present; CPU of all threads, with heartbeats. served is from the request of a change until every worker serves it, measured apart from CPU.',
    ],
    measure: (count, options) => inRows(measureChange(count, options)),
  },
  {
    name: 'steady',
    sizes: large,
    notes: [
      'steady: changes for --seconds. slope_mb is the growth of resident memory by 1,000 changes over the second half, by least squares. _hold_ms is the longest time that an event loop ran without a pause, in CPU time of its thread; worker_long_holds are those over 10 ms. Measuring them takes about 1 % of a core.',
    ],
    measure: measureSteady,
  },
  {
    name: 'cold',
    sizes: large,
    notes: [
      'cold: from the start of a gateway plane, without its control plane, to the first response of an upstream; median of three.',
    ],
    measure: (count, options) => inRows(measureCold(count, options)),
  },
  {
    name: 'configuration',
    notes: [
      'configuration: time_ms is what the caller waits, with the document on its way and the answer read; of several rounds the shortest. A sync plans, validates, compiles, commits and publishes one revision. control_rss_mb is the control plane after it answered.',
    ],
    measure: (_count, { rounds, onProgress }) =>
      inRows(measureConfiguration(size, { rounds: Math.min(rounds, 3), onProgress })),
  },
  {
    name: 'preview',
    notes: [
      `preview: a day is replayed; every consumer calls 20 of the routes, so that ${events.toLocaleString('en-US')} events are about 100,000 different requests. rss_mb is the process with the warehouse in it.`,
    ],
    measure: (_count, { onProgress }) => inRows(measurePreview(events, size, onProgress)),
  },
  {
    name: 'lists',
    notes: [
      'lists: read without a network. first_us is the request that builds the index it needs, median_us of fifteen requests, blocked_us the longest time the event loop was blocked.',
    ],
    measure: (_count, { onProgress }) =>
      inRows(measureLists([10_000, 100_000], { rounds: 15, onProgress })),
  },
]

/** Changes a large configuration, one by one and as a document, reads it, and previews changes. */
export async function benchControl(options: BenchOptions): Promise<Report> {
  const chosen = parts.filter(({ name }) => name.includes(options.only))
  const found: Pick<Report, 'rows' | 'series'>[] = []
  for (const { sizes, measure } of chosen) {
    const asked = options.sizes.length > 0 ? options.sizes : (sizes ?? [])
    for (const one of sizes === undefined ? [0] : asked)
      found.push(...(await measure(one, options)))
  }
  const rows = found.flatMap((one) => one.rows)
  return {
    rows,
    series: found.flatMap(({ series = [] }) => series),
    notes: chosen.flatMap(({ notes }) => notes),
    violations: missedTargets(rows),
  }
}
