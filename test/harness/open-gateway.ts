import type { AddressInfo, Server } from 'node:net'
import { onTestFinished } from 'vitest'
import { redisCounters } from '../../src/cluster/redis-counters.ts'
import { redisValues } from '../../src/cluster/redis-values.ts'
import { localValues } from '../../src/cluster/shared-values.ts'
import { openValueTable, type ValueTable } from '../../src/cluster/value-table.ts'
import { openExporters, type Exporters } from '../../src/telemetry/open-exporters.ts'
import {
  openTrafficMetrics,
  type OpenTrafficMetrics,
} from '../../src/telemetry/open-traffic-metrics.ts'
import { openCounterTable } from '../../src/cluster/counter-table.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { openEgress, type Egress } from '../../src/lib/egress.ts'
import { silentLog, type Log } from '../../src/lib/log.ts'
import { catalog } from '../../src/plugins/catalog.ts'
import {
  type AdmissionLimits,
  defaultAdmissionLimits,
  defaultFrontLimits,
  type FrontLimits,
} from '../../src/proxy/limits.ts'
import type { ExchangeSettings } from '../../src/proxy/exchange-settings.ts'
import { openHttpClient } from '../../src/proxy/open-http-client.ts'
import { keepPools, type KeeperTools, type PoolKeeper } from '../../src/proxy/keep-pools.ts'
import { openPluginCaches, type PluginCaches } from '../../src/proxy/plugin-caches.ts'
import { openProxy, type Proxy, type ProxyOptions } from '../../src/proxy/open-proxy.ts'
import { compileProgram, type Program, type ProgramTools } from '../../src/proxy/program.ts'
import type { PluginDefinition } from '../../src/proxy/plugin.ts'
import type { Event } from '../../src/schema/event.ts'
import { toEvent } from './event-record.ts'
import { buildTestSnapshot, type SnapshotInput } from './build-snapshot.ts'

/** A proxy on free ports that collects its events. */
export type TestGateway = {
  readonly port: number
  /** HTTPS port. */
  readonly securePort: number
  /** TCP stream port; the second is for TLS. */
  readonly streamPort: number
  readonly secureStreamPort: number
  readonly url: string
  readonly events: Event[]
  readonly proxy: Proxy
  readonly pools: PoolKeeper
  readonly exporters: Exporters
  readonly traffic: OpenTrafficMetrics
  readonly caches: PluginCaches
  /** The current program. */
  program(this: void): Program
  ask(this: void, path: string, init?: RequestInit): Promise<Response>
  reconfigure(this: void, input: SnapshotInput): void
}

export type GatewayOptions = {
  readonly clock?: Clock
  /** Replaces timers, name resolution and probes. */
  readonly pools?: KeeperTools
  readonly limits?: Partial<FrontLimits>
  readonly admission?: Partial<AdmissionLimits>
  /** Addresses that services and probes may have. Default: the rules without settings. */
  readonly egress?: Egress
  /** Default: as in Kong. */
  readonly settings?: Omit<ExchangeSettings, 'instance'>
  /** Plugins instead of those of the catalog. */
  readonly catalog?: readonly PluginDefinition[]
  /** Default certificate. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** Default: trusts no proxy, and no listener reads a PROXY header. */
  readonly proxied?: Pick<ProxyOptions, 'origins' | 'readsProxy' | 'tls'>
  /** PROXY headers of both stream listeners. */
  readonly streams?: Omit<Parameters<Proxy['addStreamServer']>[0], 'isSecure'>
  /** Default: a log that discards everything. */
  readonly log?: Log
  /** Directories below which plugins may write files. */
  readonly logDirectories?: readonly string[]
  /** Shared with other gateways, which then are workers of one node. */
  readonly values?: ValueTable
  /** Registers the stop function. Default: onTestFinished. */
  readonly onFinished?: (stop: () => Promise<void>) => void
}

/** Opens a gateway for the duration of the test, with counters in this process. */
export async function openGateway(
  input: SnapshotInput,
  options: GatewayOptions = {},
): Promise<TestGateway> {
  const clock = options.clock ?? systemClock
  const egress = options.egress ?? openEgress()
  const pools = keepPools({ clock, egress, ...options.pools })
  const exporters = openExporters({
    egress,
    directories: options.logDirectories ?? [],
    log: options.log ?? silentLog,
  })
  const traffic = openTrafficMetrics()
  const caches = openPluginCaches(1_048_576)
  const tools: ProgramTools = {
    catalog: options.catalog ?? catalog,
    counters: openCounterTable(clock),
    redisCounters: redisCounters({ clock, log: silentLog, egress: openEgress() }),
    sharedValues: valuesOf(options, clock),
    redisValues: redisValues(openEgress()),
    openExporter: exporters.open,
    trafficMetrics: traffic,
    caches,
    http: openHttpClient(egress),
    clock,
    pools,
    log: options.log ?? silentLog,
  }
  const events: Event[] = []
  let revision = 1
  let program = compileProgram(buildTestSnapshot(input), revision, tools)
  const proxy = openProxy({
    program,
    node: { node: 'test', zone: 'here', environment: 'test' },
    limits: { ...defaultFrontLimits, headBytes: 16_384, ...options.limits },
    admission: { ...defaultAdmissionLimits, ...options.admission },
    egress,
    ...options.proxied,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
    record(event, answer) {
      events.push(toEvent(event))
      answer.release()
    },
    log: options.log ?? silentLog,
  })
  const listen = (server: Server): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  const [port, securePort, streamPort, secureStreamPort] = (await Promise.all(
    [
      proxy.server,
      proxy.secureServer,
      proxy.addStreamServer({ isSecure: false, ...options.streams }),
      proxy.addStreamServer({ isSecure: true, ...options.streams }),
    ].map(listen),
  )) as [number, number, number, number]
  const stop = async (): Promise<void> => {
    await proxy.drain(100)
    await exporters.stop(0)
  }
  if (options.onFinished === undefined) onTestFinished(stop)
  else options.onFinished(stop)
  const url = `http://127.0.0.1:${port}`
  return {
    port,
    securePort,
    streamPort,
    secureStreamPort,
    url,
    events,
    proxy,
    pools,
    exporters,
    traffic,
    caches,
    program: () => program,
    ask: (path, init) => fetch(url + path, init),
    reconfigure(next) {
      program = compileProgram(buildTestSnapshot(next), (revision += 1), tools, program)
      proxy.swapProgram(program)
    },
  }
}

const valuesOf = ({ values }: GatewayOptions, clock: Clock): ReturnType<typeof localValues> =>
  localValues(values ?? openValueTable(clock), clock)
