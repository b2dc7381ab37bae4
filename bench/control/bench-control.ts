import type { BenchOptions, Report } from '../report.ts'
import { measureConfiguration } from './measure-configuration.ts'
import { measureLists } from './measure-lists.ts'
import { measurePreview } from './measure-preview.ts'

const size = { routes: 10_000, consumers: 5_000 }
const events = 1_000_000

/** Syncs, diffs, dumps, previews and lists a large configuration. */
export async function benchControl({ rounds, only, onProgress }: BenchOptions): Promise<Report> {
  const wants = (name: string): boolean => name.includes(only)
  const configuration = wants('configuration')
    ? await measureConfiguration(size, { rounds: Math.min(rounds, 3), onProgress })
    : []
  const preview = wants('preview') ? await measurePreview(events, size, onProgress) : []
  const lists = wants('lists')
    ? await measureLists([10_000, 100_000], { rounds: 15, onProgress })
    : []
  return {
    rows: [...configuration, ...preview, ...lists],
    notes: [
      'time_ms is what the caller waits, with the document on its way and the answer read; of several rounds the shortest.',
      'A sync plans, validates, compiles, commits and publishes one revision. control_rss_mb is the control plane after it answered.',
      'Lists are read without a network. first_us is the request that builds the index it needs, median_us of fifteen requests, blocked_us the longest time the event loop was blocked.',
      `Previews replay a day: every consumer calls 20 of the routes, so that ${events.toLocaleString('en-US')} events are about 100,000 different requests. rss_mb is the process with the warehouse in it.`,
    ],
  }
}
