import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { analyticsRoutes } from '../admin/analytics-routes.ts'
import { openAdmin, type IdentifyRequest } from '../admin/open-admin.ts'
import { openAnalytics } from '../analytics/open-analytics.ts'
import { keepAuditKey } from '../audit/audit-key.ts'
import { openCounterLedger } from '../cluster/counter-ledger.ts'
import { openNodeRegistry, type NodeRegistry } from '../cluster/node-registry.ts'
import { serveNodes } from '../cluster/serve-nodes.ts'
import type { Configuration } from '../control/configuration.ts'
import { openConfiguration } from '../control/open-configuration.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { catalog } from '../plugins/catalog.ts'
import { previewChange } from '../preview/preview-change.ts'
import { compileProgram } from '../proxy/program.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { openWarehouse, type Warehouse } from '../warehouse/open-warehouse.ts'
import { withoutSecrets } from './fill-snapshot.ts'
import { attendAudit } from './attend-audit.ts'
import type { SupervisorLine } from './messages.ts'
import { openConfiguredStore } from './open-configured-store.ts'
import type { ListenAddress, PlaneSettings } from './plane-settings.ts'

/** What the control plane is started with. */
export type ControlStart = {
  readonly settings: PlaneSettings
  readonly line: SupervisorLine
  readonly log: Log
}

/** Starts the control plane and tells the supervisor where it listens; returns how to stop it. */
export async function startControlPlane({
  settings,
  line,
  log,
}: ControlStart): Promise<() => Promise<void>> {
  const configuration = await openConfiguration({
    store: await openConfiguredStore(settings, log),
    catalog,
    compile: tryToCompile,
    report: (error) => log.warn('changes of other control planes wait', { error }),
    adminToken: settings.adminToken,
    adminPassword: settings.adminPassword,
    auditKey: keepAuditKey(settings.auditKeyFile),
  })
  const { auditDays } = settings
  const warehouse = await openWarehouse(
    settings.warehouseUrl === undefined
      ? { path: join(settings.data, 'warehouse'), auditDays }
      : { url: settings.warehouseUrl, auditDays },
  )
  const leaveAudit = attendAudit(configuration.audit, warehouse, { days: auditDays, log })
  const registry = openNodeRegistry(systemClock)
  // Each replays a day of traffic; one after the other, so that readers cannot starve changes.
  const previews = openSerialQueue()
  const { admin, manager } = await openAdmin({
    configuration,
    version: settings.version,
    uiDirectory: settings.pages,
    log,
    workers: registry.workers,
    order: registry.order,
    analytics: offerAnalytics(configuration, warehouse, log),
    preview: (request) => previews.run(() => previewChange({ warehouse, catalog }, request)),
  })
  const nodes = offerNodes(configuration, warehouse, { log, hear: registry.hear })
  const setUpSecret = configuration.setUpSecret()
  line.send({
    type: 'control-ready',
    addresses: {
      admin: await admin.listen(settings.adminListen),
      manager: await manager.listen(settings.managerListen),
      nodes: await listen(nodes, settings.nodeListen),
      joinSecret: configuration.joinSecret,
      setup: setUpSecret === undefined ? undefined : `/setup?secret=${setUpSecret}`,
    },
  })
  return async () => {
    nodes.closeAllConnections()
    nodes.close()
    await Promise.all([admin.close(), manager.close()])
    await leaveAudit()
    await configuration.close()
    await warehouse.close()
  }
}

/** A snapshot that compiles here runs on every node of this version. */
function tryToCompile(snapshot: Snapshot): void {
  const { snapshot: known, withheld } = withoutSecrets(snapshot)
  compileProgram(known, 0, {
    withheld,
    catalog,
    counters: openCounterLedger(systemClock),
    clock: systemClock,
  }).close()
}

function offerAnalytics(configuration: Configuration, warehouse: Warehouse, log: Log) {
  const analytics = openAnalytics({
    warehouse,
    rightsOf: (principal) => configuration.rightsOf(principal),
    clock: systemClock,
    report: (problem) =>
      log.error('a question failed', { id: problem.detail['id'], error: problem.cause }),
  })
  return (app: FastifyInstance, identify: IdentifyRequest): void => {
    void app.register(analyticsRoutes, { analytics, identify })
  }
}

function offerNodes(
  configuration: Configuration,
  warehouse: Warehouse,
  { log, hear }: { readonly log: Log; readonly hear: NodeRegistry['hear'] },
): Server {
  return serveNodes({
    joinSecret: configuration.joinSecret,
    publicKey: configuration.publicKeyPem,
    sealed: () => configuration.current().sealed,
    onPublish: (listener) => configuration.onPublish(listener),
    receiveBatch: (batch, lines) => warehouse.insertBatch(batch, lines),
    onHeartbeat(claims, state) {
      const told = hear(claims, state)
      const { node, worker } = claims
      const { refusedRevision, refusal } = state
      if (refusedRevision !== undefined)
        log.warn('a node refuses a revision', { node, worker, refusedRevision, refusal })
      return told
    },
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
