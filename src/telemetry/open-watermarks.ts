import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Intake } from './open-intake.ts'

/** Of a node: every request that it answered before `until` is in the warehouse. Both are milliseconds since the epoch, in the clock of the node and in ours. */
export type Watermark = {
  readonly node: string
  readonly until: number | undefined
  readonly lastHeard: number
  readonly isMissing: boolean
}

/** Watermark of each node, from the reports of its workers. */
export type Watermarks = {
  /** A worker reports that it has sent every event from before `until`; undefined when it reports none. */
  receive(this: void, node: string, worker: number, until: number | undefined): void
  /** In order of name. */
  nodes(this: void): readonly Watermark[]
  stop(this: void): void
}

/** Milliseconds after which a node is missing: six missed heartbeats. */
const missingAfter = 30_000
/** Milliseconds after which a node is forgotten. */
const forgottenAfter = 24 * 3_600_000
const saveInterval = 10_000

/** A report of a worker; it holds once the intake has stored everything up to `position`. */
type Claim = { readonly position: number; readonly until: number }

type Worker = {
  until: number | undefined
  pending: Claim | undefined
  latest: Claim | undefined
  lastHeard: number
}

const saved = z.record(
  z.string(),
  z.strictObject({ until: z.number().optional(), lastHeard: z.number() }),
)

type Options = {
  readonly intake: Pick<Intake, 'position' | 'storedPosition'>
  /** Keeps the known nodes for the next process. */
  readonly file: string
  readonly clock: Clock
  readonly log: Log
}

export function openWatermarks({ intake, file, clock, log }: Options): Watermarks {
  const nodes = new Map<string, Map<number, Worker>>()
  /** Nodes that connected to an earlier process. */
  const earlier = new Map(Object.entries(readSaved(file, log)))

  const settle = (node: string, worker: Worker): void => {
    const stored = intake.storedPosition(node)
    while (worker.pending !== undefined && worker.pending.position <= stored) {
      worker.until = worker.pending.until
      worker.pending = worker.latest
      worker.latest = undefined
    }
  }
  const describe = (node: string, workers: ReadonlyMap<number, Worker>): Watermark => {
    const all = [...workers.values()]
    for (const worker of all) settle(node, worker)
    const lastHeard = Math.max(...all.map((worker) => worker.lastHeard))
    const isMissing = lastHeard < clock.now() - missingAfter
    const counted = isMissing
      ? all
      : all.filter((worker) => worker.lastHeard >= clock.now() - missingAfter)
    const claimed = counted.map(({ until }) => until)
    const until = claimed.every((one) => one !== undefined) ? Math.min(...claimed) : undefined
    return { node, until, lastHeard, isMissing }
  }
  const list = (): readonly Watermark[] => {
    const oldest = clock.now() - forgottenAfter
    const found = [...nodes].map(([node, workers]) => describe(node, workers))
    for (const { node, lastHeard } of found) if (lastHeard < oldest) nodes.delete(node)
    for (const [node, { until, lastHeard }] of earlier) {
      if (lastHeard < oldest) earlier.delete(node)
      const isMissing = lastHeard < clock.now() - missingAfter
      found.push({ node, until, lastHeard, isMissing })
    }
    return found
      .filter(({ lastHeard }) => lastHeard >= oldest)
      .sort((a, b) => (a.node < b.node ? -1 : 1))
  }
  let savedText = ''
  const save = (): void => {
    const known = list().map(({ node, until, lastHeard }) => [
      node,
      { ...(until !== undefined && { until }), lastHeard },
    ])
    const text = JSON.stringify(Object.fromEntries(known))
    if (text === savedText) return
    try {
      writeFileSync(`${file}.part`, text, { mode: 0o600 })
      renameSync(`${file}.part`, file)
      savedText = text
    } catch (error) {
      log.warn('telemetry: known nodes not saved', { error })
    }
  }
  const timer = setInterval(save, saveInterval).unref()

  return {
    receive(node, worker, until) {
      earlier.delete(node)
      const workers = nodes.get(node) ?? new Map<number, Worker>()
      nodes.set(node, workers)
      const known: Worker = workers.get(worker) ?? {
        until: undefined,
        pending: undefined,
        latest: undefined,
        lastHeard: 0,
      }
      workers.set(worker, known)
      known.lastHeard = clock.now()
      if (until === undefined) return
      settle(node, known)
      const claim = { position: intake.position, until }
      if (known.pending === undefined) known.pending = claim
      else known.latest = claim
      settle(node, known)
    },
    nodes: list,
    stop() {
      clearInterval(timer)
      save()
    },
  }
}

function readSaved(file: string, log: Log): z.output<typeof saved> {
  try {
    return saved.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    // A node is known again after its next heartbeat.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn('telemetry: known nodes not read', { error })
    return {}
  }
}
