import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openCounterTable } from '../../src/cluster/counter-table.ts'
import { applySnapshot } from '../../src/dataplane/apply-snapshot.ts'
import { openSnapshotCache } from '../../src/dataplane/snapshot-cache.ts'
import { runSliced, runToCompletion, type CooperativeTask } from '../../src/lib/cooperative-task.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLog } from '../../src/lib/log.ts'
import { RadixMap } from '../../src/lib/radix-map.ts'
import { defaultAdmissionLimits, defaultFrontLimits } from '../../src/proxy/limits.ts'
import { keepPools } from '../../src/proxy/keep-pools.ts'
import { openProxy } from '../../src/proxy/open-proxy.ts'
import { compileProgram, type Program } from '../../src/proxy/program.ts'
import type { Snapshot } from '../../src/schema/snapshot.ts'
import { openKeyring } from '../../src/secrets/keyring.ts'
import { openSnapshotReader } from '../../src/snapshot/read-delta.ts'
import type { SealedState } from '../../src/snapshot/render-delta.ts'
import { openRecorder } from '../../src/telemetry/open-recorder.ts'
import { openSpool } from '../../src/telemetry/open-spool.ts'

/** Messages of the control plane: a whole snapshot, and the deltas from there to another one and back, each in parts. */
export type ReloadOrder = {
  readonly whole: readonly string[]
  readonly deltas: readonly (readonly string[])[]
  readonly publicKey: string
}

/** Applies a snapshot at an interval for some time, or none, and reports event loop delays. */
export type ReloadRound = {
  readonly milliseconds: number
  readonly every: number | undefined
}

export type ReloadOutcome = { readonly changes: number; readonly longestStall: number }

// Only the proxy engine of a worker, with a spool and snapshots.
process.once('message', ({ whole, deltas, publicKey }: ReloadOrder) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-reload-'))
  const log = openLog('bench')
  const { record } = openRecorder(openSpool(folder), log)
  const keyring = openKeyring({ id: 'bench', bytes: randomBytes(32), source: 'bench' })
  const cipher = keyring.openDataKey(keyring.makeDataKey())
  const cache = openSnapshotCache(join(folder, 'cache'), cipher, log)
  const secrets = {
    fill: async (snapshot: Snapshot) => ({ snapshot, withheld: RadixMap.empty<string>() }),
  }
  const tools = {
    catalog: [],
    counters: openCounterTable(systemClock),
    clock: systemClock,
    pools: keepPools(),
  }
  const reader = openSnapshotReader()
  const readSteps = function* (parts: readonly string[]): CooperativeTask<SealedState> {
    let state: SealedState | undefined
    for (const part of parts) {
      for (const line of part.trimEnd().split('\n')) {
        state = reader.read(line) ?? state
        yield
      }
    }
    return state as SealedState
  }
  let running = compileProgram(runToCompletion(readSteps(whole)).snapshot, 1, tools)
  const proxy = openProxy({
    program: running,
    node: { node: 'bench', zone: 'bench', environment: 'bench' },
    limits: defaultFrontLimits,
    admission: defaultAdmissionLimits,
    record,
    log,
  })
  const swap = (program: Program): void => proxy.swapProgram(program)
  const change = async (delta: readonly string[]): Promise<void> => {
    const applied = await applySnapshot(
      { ...(await runSliced(readSteps(delta))), publicKey },
      { secrets, tools, cache, swap, log: { ...log, info: () => undefined } },
      running,
    )
    if ('error' in applied) throw applied.error
    running = applied
  }
  let applied = 0
  const run = async ({ milliseconds, every }: ReloadRound): Promise<ReloadOutcome> => {
    const delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    const end = performance.now() + milliseconds
    let changes = 0
    while (performance.now() < end) {
      if (every !== undefined) {
        await change(deltas[applied % deltas.length] ?? [])
        applied += 1
        changes += 1
      }
      await sleep(Math.min(every ?? milliseconds, Math.max(0, end - performance.now())))
    }
    delays.disable()
    return { changes, longestStall: delays.max / 1e6 }
  }
  process.on('message', (round: ReloadRound) => {
    void run(round).then((outcome) => process.send?.(outcome))
  })
  proxy.server.listen(0, '127.0.0.1', () =>
    process.send?.((proxy.server.address() as AddressInfo).port),
  )
  process.once('disconnect', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  })
})
