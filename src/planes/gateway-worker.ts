import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openControlConnection } from '../cluster/control-connection.ts'
import { openCounterClient } from '../cluster/counter-client.ts'
import { redisCounters } from '../cluster/redis-counters.ts'
import { redisValues } from '../cluster/redis-values.ts'
import { openValueClient } from '../cluster/shared-values.ts'
import { openDataPlane } from '../dataplane/open-data-plane.ts'
import { listenOn, serveProgram } from '../dataplane/serve-program.ts'
import { openSnapshotCache } from '../dataplane/snapshot-cache.ts'
import { systemClock } from '../lib/clock.ts'
import { openEgress } from '../lib/egress.ts'
import { limitLog } from '../lib/limit-log.ts'
import type { Log } from '../lib/log.ts'
import { catalog } from '../plugins/catalog.ts'
import { openHttpClient } from '../proxy/open-http-client.ts'
import { defaultFrontLimits } from '../proxy/limits.ts'
import { keepDefaultCertificate } from '../proxy/keep-default-certificate.ts'
import type { BoundUdpHandle } from '../proxy/listener-options.ts'
import { openPluginCaches } from '../proxy/plugin-caches.ts'
import { keepPools } from '../proxy/keep-pools.ts'
import { openTicketKeys } from '../proxy/ticket-keys.ts'
import { buildTlsPolicy } from '../proxy/tls-policy.ts'
import type { ExporterStatus } from '../schema/exporter.ts'
import { openDataKeyFile } from '../secrets/data-key-file.ts'
import { settingsIn } from '../secrets/collect-references.ts'
import { openSecrets } from '../secrets/open-secrets.ts'
import { openExporters } from '../telemetry/open-exporters.ts'
import { openTrafficMetrics } from '../telemetry/open-traffic-metrics.ts'
import { startShipping } from '../telemetry/start-shipping.ts'
import { openRecording } from './open-recording.ts'
import type { ControlAddress, PassedSocket, SupervisorChannel } from './messages.ts'
import { gatewayDataKey, openKeys } from './open-keys.ts'
import { gatewayListens, type PlaneSettings } from './plane-settings.ts'

export type WorkerStart = {
  readonly settings: PlaneSettings
  readonly slot: number
  /** Undefined until the control plane of this node is ready for the first time. */
  readonly control: ControlAddress | undefined
  /** Secret from which the keys of TLS session tickets are derived. */
  readonly ticketSecret: string
  /** Reads an environment variable for vault references. */
  readonly readVariable: (this: void, name: string) => string | undefined
  /** The listening socket of plain connections. */
  readonly socket: object
  /** The other listening sockets. */
  readonly sockets: readonly PassedSocket[]
  readonly supervisor: SupervisorChannel
  readonly log: Log
}

/** Milliseconds that a worker waits for its first snapshot before it uses the one on its disk. */
const firstSnapshotTimeout = 10_000

/** Starts a gateway worker, which listens once it has a snapshot from the control plane or from its own disk; returns the function that stops it, with `isHurried` without waiting. */
export function startGatewayWorker(start: WorkerStart): (isHurried: boolean) => Promise<void> {
  const { settings, slot, supervisor } = start
  const { node, zone, environment, version } = settings
  const log = limitLog(start.log)
  const directory = join(settings.data, 'gateway')
  const recording = openRecording(settings, (workspace) => server.shedsEvents(workspace), log)
  const { spool } = recording
  const counters = openCounterClient({ send: supervisor.send, clock: systemClock })
  const values = openValueClient(supervisor.send)
  let controlListens = start.control?.listens ?? []
  const egress = openEgress(settings.egress, () => [...gatewayListens(settings), ...controlListens])
  const logs = join(settings.data, 'logs')
  mkdirSync(logs, { recursive: true })
  const exporters = openExporters({
    egress,
    directories: [logs, ...settings.logDirectories],
    log,
  })
  const traffic = openTrafficMetrics()
  const caches = openPluginCaches(settings.cacheBytes)
  const pools = keepPools({ limits: settings.targets, log, egress })
  const tickets = openTicketKeys(start.ticketSecret)
  const server = serveProgram({
    proxyOptions: async () => ({
      certificate: await keepDefaultCertificate(directory),
      node: { node, zone, environment },
      limits: { ...defaultFrontLimits, bodyBytes: settings.bodyLimit },
      admission: settings.admission,
      origins: settings.origins,
      tls: {
        policy: buildTlsPolicy(settings.tls.policy),
        tickets: settings.tls.hasSessionTickets ? tickets : undefined,
      },
      readsProxy: {
        plain: settings.proxyListen.readsProxy,
        secure: settings.proxySslListen?.readsProxy ?? false,
      },
      record: recording.record,
      checkRecording: recording.check,
      log,
      egress,
      settings: {
        ...settings.exchanges,
        answerHeaders: new Set(settings.exchanges.answerHeaders),
      },
    }),
    listen: (proxy) => [
      listenOn(proxy.server, start.socket),
      ...start.sockets.map(({ duty, socket }): Promise<unknown> => {
        if (duty === 'secure') return listenOn(proxy.secureServer, socket)
        if (duty.isUdp === true) return proxy.addUdpServer(duty).listen(socket as BoundUdpHandle)
        return listenOn(proxy.addStreamServer(duty), socket)
      }),
    ],
    onListening() {
      supervisor.send({ type: 'gateway-ready' })
      control.report()
    },
    onFailed(error) {
      log.error('proxy: cannot listen', { error })
      supervisor.send({ type: 'failed', message: String(error) })
    },
  })
  const settingsOf = settingsIn(catalog)
  const secrets = openSecrets({
    readVariable: start.readVariable,
    variablePrefix: settings.vaultEnvPrefix,
    egress,
    settingsOf,
    files: settings.vaultFiles,
    clock: systemClock,
    accepts: ({ name, config }) => settingsOf(name)?.safeParse(config).success !== false,
    onChange: () => dataPlane.reapply(),
  })
  const cipher = openDataKeyFile(gatewayDataKey(settings), openKeys(settings, log))
  const dataPlane = openDataPlane({
    secrets,
    tools: {
      catalog,
      counters,
      redisCounters: redisCounters({ clock: systemClock, log, egress }),
      sharedValues: values.open,
      redisValues: redisValues(egress),
      openExporter: exporters.open,
      trafficMetrics: traffic,
      caches,
      http: openHttpClient(egress),
      clock: systemClock,
      log,
      pools,
    },
    cache: openSnapshotCache(directory, cipher, log),
    swap(program) {
      server.swap(program)
      control.report()
    },
    log,
  })
  let reportsTraffic = false
  let logLevelId = ''
  const control = openControlConnection({
    base: dataPlane.cached(),
    isRemote: settings.remoteControl !== undefined,
    onSnapshot: dataPlane.receive,
    onUnreachable: dataPlane.restore,
    state: () => ({
      revision: server.revision,
      exchanges: server.exchanges,
      spooledBytes: spool.bytes,
      isSpoolFull: spool.isFull,
      ...completeness(shipping.completeUntil()),
      unrecorded: [...(recording.counts()?.totals() ?? [])],
      upstreams: pools.health(),
      ...reportOf(exporters.status()),
      ...(reportsTraffic && { traffic: { ...traffic.report(), connections: server.connections } }),
      ...(control.rejection() ?? dataPlane.rejection()),
    }),
    onOrders({ targets, purges = [], logLevel, wantsTraffic = false }) {
      targets.forEach(pools.overrideHealth)
      for (const { plugin, key } of purges) caches.purge(plugin, key)
      const isNew = wantsTraffic && !reportsTraffic
      reportsTraffic = wantsTraffic
      if (isNew) control.report()
      if (logLevel === undefined || logLevel.id === logLevelId) return
      logLevelId = logLevel.id
      supervisor.send({ type: 'log-level', ...logLevel })
    },
    log,
  })
  const shipping = startShipping({
    spool,
    send: control.sendBatch,
    counts: recording.counts,
    sendCounts: control.sendCounts,
    log,
  })

  const connect = ({ url, joinSecret: secret }: ControlAddress): void =>
    control.connect(url, { secret, node, worker: slot, zone, environment, version })
  // The snapshot on disk may be older than the one that this node serves, when it could not be written.
  const restoring = setTimeout(
    dataPlane.restore,
    start.control === undefined ? 0 : firstSnapshotTimeout,
  )
  if (start.control !== undefined) connect(start.control)
  supervisor.onMessage((message) => {
    if (message.type === 'counted' || message.type === 'recall') counters.receive(message)
    else if (message.type === 'values-answer') values.receive(message)
    else if (message.type === 'ticket-secret') tickets.rotate(message.secret)
    else if (message.type === 'control') {
      controlListens = message.listens
      connect(message)
    }
  })

  return async (isHurried) => {
    clearTimeout(restoring)
    await server.drain(isHurried ? 0 : settings.drainSeconds * 1_000)
    counters.receive({ type: 'recall' })
    const patience = isHurried ? 0 : 3_000
    await Promise.all([exporters.stop(patience), shipping.stop(patience)])
    recording.stop()
    secrets.close()
    await control.close()
  }
}

/** A control plane before this version refuses heartbeats that have it. */
const reportOf = (found: readonly ExporterStatus[]) =>
  found.length === 0 ? {} : { exporters: found.slice(0, maxReported) }

const maxReported = 1_000
const completeness = (completeUntil: number | undefined) =>
  completeUntil === undefined ? {} : { completeUntil }
