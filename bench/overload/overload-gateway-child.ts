import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { openCounterTable } from '../../src/cluster/counter-table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLog } from '../../src/lib/log.ts'
import { type AdmissionLimits, defaultFrontLimits } from '../../src/proxy/limits.ts'
import { keepPools } from '../../src/proxy/keep-pools.ts'
import { openProxy } from '../../src/proxy/open-proxy.ts'
import { definePlugin } from '../../src/proxy/plugin.ts'
import { compileProgram } from '../../src/proxy/program.ts'
import { openRecorder } from '../../src/telemetry/open-recorder.ts'
import { openSpool } from '../../src/telemetry/open-spool.ts'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'

export type OverloadOrder = {
  readonly upstreamPort: number
  /** No admission control when absent. */
  readonly admission: AdmissionLimits | undefined
  /** CPU of a plugin per request, in milliseconds. */
  readonly work: number
}

const unlimited = {
  inFlight: Number.POSITIVE_INFINITY,
  waiting: Number.POSITIVE_INFINITY,
  connections: Number.POSITIVE_INFINITY,
  udpSessions: Number.POSITIVE_INFINITY,
}

/** Simulates an expensive plugin. */
const burnCpu = definePlugin({
  name: 'burn-cpu',
  about: 'Keeps the worker busy.',
  settings: z.object({ milliseconds: z.number() }),
  prepare: ({ milliseconds }) => ({
    onRequest() {
      const until = performance.now() + milliseconds
      while (performance.now() < until);
    },
  }),
})

// Only the proxy engine of a worker, with a spool.
process.once('message', ({ upstreamPort, admission, work }: OverloadOrder) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-overload-'))
  const log = openLog('bench')
  const { record } = openRecorder(openSpool(folder), log)
  const snapshot = buildTestSnapshot({
    services: [{ name: 'api', host: '127.0.0.1', port: upstreamPort, retries: 0 }],
    routes: [{ name: 'all', paths: ['/'], service: 'api' }],
    plugins: work === 0 ? [] : [{ name: 'burn-cpu', config: { milliseconds: work } }],
  })
  const proxy = openProxy({
    program: compileProgram(snapshot, 1, {
      catalog: [burnCpu],
      counters: openCounterTable(systemClock),
      clock: systemClock,
      pools: keepPools(),
    }),
    node: { node: 'bench', zone: 'bench', environment: 'bench' },
    limits: defaultFrontLimits,
    admission: admission ?? unlimited,
    record,
    log,
  })
  proxy.server.listen(0, '127.0.0.1', () =>
    process.send?.((proxy.server.address() as AddressInfo).port),
  )
  process.once('disconnect', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  })
})
