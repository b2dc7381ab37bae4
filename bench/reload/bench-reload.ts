import { RadixMap } from '../../src/lib/radix-map.ts'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Entries, Entry } from '../../src/entities/entry.ts'
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts'
import { workerFlags } from '../../src/supervisor/node-processes.ts'
import { renderDelta, type SealedState } from '../../src/snapshot/render-delta.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../../src/snapshot/seal-snapshot.ts'
import { cores, stopProcess } from '../processes.ts'
import { quantile, rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { buildEntries } from '../routes/measure-change.ts'
import { openSteadyLoad } from './open-steady-load.ts'
import type { ReloadOrder, ReloadOutcome, ReloadRound } from './reload-gateway-child.ts'

const services = 10_000
const connections = 1_000
const rate = 2_000
const everyMilliseconds = 1_000

type Measured = { readonly latencies: number[]; errors: number; changes: number; stalls: number[] }

/** Compares latency while a large configuration is applied every second with latency without changes. */
export async function benchReload({ rounds, seconds, onProgress }: BenchOptions): Promise<Report> {
  const upstream = createServer((_request, response) => response.end('ok'))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const pinned = {
    execPath: 'taskset',
    execArgv: ['-c', cores?.subject ?? '', process.execPath, ...workerFlags],
  }
  const gateway = fork(
    join(import.meta.dirname, 'reload-gateway-child.ts'),
    cores === undefined ? { execArgv: workerFlags } : pinned,
  )
  try {
    gateway.send(orderOf((upstream.address() as AddressInfo).port))
    const [port] = (await once(gateway, 'message')) as [number]
    const load = await openSteadyLoad(port, connections, rate)
    const cases = { 'no change': undefined, 'a change every second': everyMilliseconds }
    const found = new Map<string, Measured>()
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, every] of Object.entries(cases)) {
        const milliseconds = (round === 0 ? 3 : seconds) * 1_000
        gateway.send({ milliseconds, every } satisfies ReloadRound)
        const outcome = once(gateway, 'message')
        const measured = await load.measure(milliseconds)
        const [reported] = (await outcome) as [ReloadOutcome]
        if (round > 0) add(found, name, { ...measured, ...reported })
        onProgress(`${name}: ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
      }
    }
    load.close()
    return {
      rows: [...found].map(([name, measured]) => rowOf(name, measured)),
      notes: [
        `${services.toLocaleString('en-US')} services with a route each; ${connections.toLocaleString('en-US')} kept connections ask ${rate.toLocaleString('en-US')} times a second, from when each request was due.`,
        'A change of every service is taken in as a worker does: read, verify, compile, keep on disk, swap. stall_ms is the longest pause of the event loop.',
      ],
    }
  } finally {
    await stopProcess(gateway)
    upstream.closeAllConnections()
    upstream.close()
  }
}

function add(
  found: Map<string, Measured>,
  name: string,
  { latencies, errors, changes, longestStall }: Round,
): void {
  const known = found.get(name) ?? { latencies: [], errors: 0, changes: 0, stalls: [] }
  found.set(name, known)
  for (const latency of latencies) known.latencies.push(latency)
  known.errors += errors
  known.changes += changes
  known.stalls.push(longestStall)
}

type Round = ReloadOutcome & { readonly latencies: number[]; readonly errors: number }

const rowOf = (name: string, { latencies, errors, changes, stalls }: Measured): Row => ({
  case: name,
  subject: 'weir',
  changes,
  requests: latencies.length,
  errors,
  p50_ms: rounded(quantile(latencies, 0.5), 2),
  p99_ms: rounded(quantile(latencies, 0.99), 2),
  p999_ms: rounded(quantile(latencies, 0.999), 1),
  max_ms: rounded(quantile(latencies, 1), 1),
  stall_ms: rounded(Math.max(...stalls), 1),
})

function orderOf(port: number): ReloadOrder {
  const key = generateSealKey()
  const [one, other] = [30_000, 31_000].map((patience) => {
    const snapshot = buildSnapshot(withTarget(buildEntries(services), port, patience))
    return { snapshot, seal: sealRoot(snapshot, patience, key) }
  }) as [SealedState, SealedState]
  const delta = (from: SealedState | undefined, to: SealedState): string[] => [
    ...renderDelta(from && { ...from.seal, snapshot: from.snapshot }, to),
  ]
  return {
    whole: delta(undefined, one),
    deltas: [delta(one, other), delta(other, one)],
    publicKey: publicKeyOf(key),
  }
}

function withTarget(entries: Entries, port: number, patience: number): Entries {
  const change = (entry: Entry): Entry => ({
    ...entry,
    fields: { ...entry.fields, port, read_timeout: patience },
  })
  const changed = [...(entries.get('service') ?? [])].map(
    ([id, entry]) => [id, change(entry)] as const,
  )
  return new Map([...entries, ['service', RadixMap.from(changed)]])
}
