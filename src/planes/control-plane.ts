import { writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { analyticsRoutes } from '../admin/analytics-routes.ts'
import { openAdmin, type AppTls } from '../admin/open-admin.ts'
import { fixedCertificate, watchCertificate } from '../admin/watch-certificate.ts'
import { findLastUses } from '../analytics/find-last-uses.ts'
import { openAnalytics, type Analytics } from '../analytics/open-analytics.ts'
import { readOrCreateAuditKey } from '../audit/audit-key.ts'
import { openCounterTable } from '../cluster/counter-table.ts'
import { openNodeRegistry } from '../cluster/node-registry.ts'
import { serveNodes } from '../cluster/serve-nodes.ts'
import type { Configuration } from '../control/configuration.ts'
import { openConfiguration } from '../control/open-configuration.ts'
import { startAuditJobs } from '../control/start-audit-jobs.ts'
import { startRevisionPruning } from '../declarative/start-revision-pruning.ts'
import { openCompileCheck } from '../dataplane/open-compile-check.ts'
import { openProvider, type SignInProvider } from '../identity/open-provider.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import { systemClock } from '../lib/clock.ts'
import { openEgress } from '../lib/egress.ts'
import { limitLog } from '../lib/limit-log.ts'
import type { Log } from '../lib/log.ts'
import type { LogThreshold } from '../lib/log-threshold.ts'
import { catalog } from '../plugins/catalog.ts'
import { openHttpClient } from '../proxy/open-http-client.ts'
import { keepDefaultCertificate } from '../proxy/keep-default-certificate.ts'
import { buildTlsPolicy } from '../proxy/tls-policy.ts'
import { previewChange } from '../preview/preview-change.ts'
import { openSqliteStore } from '../store/open-sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { openWarehouse } from '../warehouse/open-warehouse.ts'
import { startWarehouseJobs } from '../warehouse/start-warehouse-jobs.ts'
import { controlUrls, type SupervisorChannel } from './messages.ts'
import { openKeys } from './open-keys.ts'
import { followRetention, retentionIn } from './follow-retention.ts'
import { recordRequests, type RequestRecording } from './record-requests.ts'
import {
  addressOf,
  gatewayListens,
  joinTokenFile,
  type CertificateFiles,
  type ControlListen,
  type ListenAddress,
  type PlaneSettings,
} from './plane-settings.ts'

export type ControlStart = {
  readonly settings: PlaneSettings
  readonly supervisor: SupervisorChannel
  readonly log: Log
  /** Of `log`. */
  readonly threshold: LogThreshold
}

/** Starts the control plane and reports its addresses to the supervisor; returns the function that stops it. */
export async function startControlPlane(start: ControlStart): Promise<() => Promise<void>> {
  const { settings, supervisor, log, threshold } = start
  // Limits the log of jobs that retry every second.
  const limitedLog = limitLog(log)
  const counters = openCounterTable(systemClock)
  let controlListens: readonly ListenAddress[] = []
  // Gateways of another machine have listeners of their own.
  const ownListens = (): readonly ListenAddress[] =>
    settings.plane === 'control' ? [] : [...gatewayListens(settings), ...controlListens]
  let managerUrl = ''
  const egress = openEgress(settings.egress, ownListens)
  const configuration = await openConfiguration({
    provider: openSignInProvider(settings, log, () => managerUrl),
    egress,
    store: await openStore(settings, log),
    catalog,
    compile: openCompileCheck({ catalog, counters, clock: systemClock }),
    report: (error) =>
      limitedLog.warn('control: changes of another control plane could not be loaded', { error }),
    log,
    routeValidation: settings.routeValidation,
    adminToken: settings.adminToken,
    adminPassword: settings.adminPassword,
    auditKey: readOrCreateAuditKey(settings.auditKeyFile),
  })
  const { auditDays } = settings
  const warehouse = await openWarehouse({
    ...(settings.warehouseUrl === undefined
      ? { path: join(settings.data, 'warehouse') }
      : { url: settings.warehouseUrl }),
    retentionDays: { audit: auditDays, requests: settings.recordDays },
    workspaceDays: retentionIn(configuration.current()),
    backups: settings.backups,
    isSynced: settings.durability.mode !== 'commit',
    log,
  })
  const recording = recordRequests(settings, warehouse, {
    clock: systemClock,
    log: limitedLog,
    webhooks: { ...settings.webhooks, egress },
    workspaceName: (id) =>
      configuration.find({ entity: 'workspace', workspace: null, at: id })?.fields.name ?? '',
  })
  const stopAuditJobs = startAuditJobs({
    auditLog: configuration.audit,
    warehouse,
    days: auditDays,
    clock: systemClock,
    log: limitedLog,
  })
  const stopWarehouseJobs = startWarehouseJobs(warehouse, limitedLog)
  const stopRetention = followRetention(configuration, warehouse, limitedLog)
  const stopPruning = startRevisionPruning(
    configuration,
    { days: settings.revisionDays, count: settings.revisionCount },
    limitedLog,
  )
  const registry = openNodeRegistry(systemClock, log)
  // Each replays a day of traffic; one after the other, so that previews cannot starve changes.
  const previews = openSerialQueue()
  const analytics = openAnalyticsOf(configuration, recording, log)
  const { admin, manager, ...adminApps } = await openAdmin({
    configuration,
    version: settings.version,
    uiDirectory: settings.pages,
    log,
    workers: registry.workers,
    wantTraffic: registry.wantTraffic,
    intake: recording.intake,
    webhooks: recording.webhooks,
    order: registry.order,
    purge: registry.purge,
    logLevel: {
      current: () => threshold.level,
      change(change, isOfCluster) {
        threshold.change(change.level, change.milliseconds)
        supervisor.send({ type: 'log-level', ...change })
        if (isOfCluster) registry.changeLogLevel(change)
      },
    },
    corsOrigins: settings.corsOrigins,
    hosts: [
      ...[...settings.adminListens, ...settings.managerListens].map(({ host }) => host),
      ...settings.corsOrigins.map((origin) => new URL(origin).hostname),
      ...settings.allowedHosts,
      ...(settings.provider?.redirectUri === undefined
        ? []
        : [new URL(settings.provider.redirectUri).hostname]),
    ],
    warehouse,
    findLastUses: (rights, ids) => findLastUses(analytics, rights, ids),
    analytics: (app, identify) => void app.register(analyticsRoutes, { analytics, identify }),
    preview: (request) =>
      previews.run(() => previewChange({ warehouse: recording.watched, catalog, log }, request)),
  })
  const nodes = serveNodes({
    joinSecret: configuration.joinSecret,
    publicKey: configuration.publicKeyPem,
    current: () => configuration.current(),
    onPublish: (listener) => configuration.onPublish(listener),
    receiveBatch: recording.receiveBatch,
    receiveUnrecorded: recording.receiveUnrecorded,
    receiveLines: (batch, lines) => warehouse.insertBatch('requests', batch, lines),
    onHeartbeat(claims, state) {
      recording.watermarks.receive(claims.node, claims.worker, state.completeUntil)
      return registry.receiveHeartbeat(claims, state)
    },
    log,
  })
  // A gateway plane on another machine needs it; without one there is no reason to have it on disk.
  if (settings.plane === 'control')
    writeFileSync(joinTokenFile(settings), `${configuration.joinSecret}\n`, { mode: 0o600 })
  const setupSecret = configuration.setUpSecret()
  const [adminTls, managerTls] = await openTls(settings, log)
  const served = {
    admin: await adminApps.listen(admin, settings.adminListens, adminTls),
    manager: await adminApps.listen(manager, settings.managerListens, managerTls),
  }
  const addresses = {
    admin: primary(served.admin.urls),
    manager: primary(served.manager.urls),
    admins: served.admin.urls,
    managers: served.manager.urls,
    nodes: await listen(nodes, settings.nodeListen),
  }
  managerUrl = addresses.manager.replace('//0.0.0.0', '//127.0.0.1')
  controlListens = controlUrls(addresses).map(addressOf)
  supervisor.send({
    type: 'control-ready',
    addresses: {
      ...addresses,
      joinSecret: configuration.joinSecret,
      setup: setupSecret === undefined ? undefined : `/setup?secret=${setupSecret}`,
    },
  })
  return async () => {
    nodes.closeAllConnections()
    nodes.close()
    await Promise.all([served.admin.close(), served.manager.close()])
    await stopAuditJobs()
    stopPruning()
    await stopRetention()
    await configuration.close()
    await stopWarehouseJobs()
    await recording.stop(3_000)
    await warehouse.close()
  }
}

/** The TLS of the Admin API and of the Manager; undefined where no listener has it. */
function openTls(settings: PlaneSettings, log: Log): Promise<readonly (AppTls | undefined)[]> {
  const { adminListens, managerListens, adminCertificate, managerCertificate } = settings
  const policy = buildTlsPolicy(settings.tls.policy)
  const open = async (listens: readonly ControlListen[], files: CertificateFiles | undefined) => {
    if (!listens.some(({ isSecure }) => isSecure)) return undefined
    const certificate =
      files === undefined
        ? fixedCertificate(await keepDefaultCertificate(join(settings.data, 'admin')))
        : await watchCertificate({ files, log })
    return { certificate, policy }
  }
  return Promise.all([
    open(adminListens, adminCertificate),
    open(managerListens, managerCertificate),
  ])
}

/** The identity provider of the operator. Its address is the operator's, and may be private. */
function openSignInProvider(
  { provider }: PlaneSettings,
  log: Log,
  managerUrl: () => string,
): SignInProvider | undefined {
  if (provider === undefined) return undefined
  const { redirectUri } = provider
  return openProvider(
    {
      ...provider,
      redirectUri: () => redirectUri ?? new URL('/sign-in/callback', managerUrl()).href,
    },
    { http: openHttpClient(openEgress()), clock: systemClock, log: limitLog(log) },
  )
}

const primary = (urls: readonly string[]): string =>
  urls.find((url) => url.startsWith('http:')) ?? (urls[0] as string)

/** Opens a PostgreSQL database, or a SQLite file in the data directory. */
async function openStore(settings: PlaneSettings, log: Log): Promise<Store> {
  const { data, databaseUrl } = settings
  const options = { keyring: openKeys(settings, log), log }
  if (databaseUrl === undefined) return openSqliteStore(join(data, 'weir.db'), options)
  const { openPostgresStore } = await import('../store/open-postgres-store.ts')
  return openPostgresStore(databaseUrl, data, options)
}

function openAnalyticsOf(
  configuration: Configuration,
  { watched, watermarks }: RequestRecording,
  log: Log,
): Analytics {
  return openAnalytics({
    warehouse: watched,
    watermarks: watermarks.nodes,
    rightsOf: (principal) => configuration.rightsOf(principal),
    clock: systemClock,
    log,
  })
}

function listen(server: Server, { host, port }: ListenAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () =>
      resolve(`http://${host}:${(server.address() as AddressInfo).port}`),
    )
  })
}
