import type { Server, Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Rights } from '../access/rights.ts'
import type { KnownWorker } from '../cluster/node-registry.ts'
import { unidentified } from '../control/permit.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { WebhookState } from '../telemetry/open-webhooks.ts'
import type { CachePurge, TargetOrder } from '../schema/node-protocol.ts'
import { identifyPrincipal } from './authorize.ts'
import { answerCors } from './http/answer-cors.ts'
import { buildApp, type AppOptions } from './http/build-app.ts'
import { listenApp, type AppListen, type AppTls, type ListeningApp } from './http/listen-app.ts'
import { configRoutes } from './config/config-routes.ts'
import type { Preview } from './config/preview-route.ts'
import {
  endpointPermissionRoute,
  endpointPermissionsRoute,
} from './rbac/endpoint-permission-routes.ts'
import { entityRoutes } from './entities/entity-routes.ts'
import type { AdminRoute } from './admin-route.ts'
import { credentialReportRoute, type FindLastUses } from './credentials/report-route.ts'
import { rotationRoutes } from './credentials/rotation-routes.ts'
import { healthRoute } from './node/health-route.ts'
import { kongConfigRoute } from './config/kong-config-route.ts'
import { membershipRoutes } from './entities/membership-routes.ts'
import { logLevelRoutes } from './node/log-level-routes.ts'
import { warehouseRoutes, type AdminWarehouse } from './node/warehouse-routes.ts'
import { metricsRoute } from './node/metrics-route.ts'
import { cachePurgeRoutes } from './node/cache-purge-routes.ts'
import { kongNodeRoutes } from './node/kong-node-routes.ts'
import {
  nodeRoutes,
  type ConnectionCounts,
  type IntakeState,
  type LogLevels,
  type NodeFacts,
} from './node/node-routes.ts'
import { describeApi } from './openapi/describe-api.ts'
import type { Described } from './openapi/describe-entity.ts'
import { registerRoutes } from './http/register-routes.ts'
import { auditRoutes } from './audit/audit-routes.ts'
import { adminAccountRoutes } from './rbac/admin-account-routes.ts'
import { explainRoute } from './rbac/explain-route.ts'
import { explainTokenRoute } from './rbac/explain-token-route.ts'
import { groupRoutes } from './rbac/group-routes.ts'
import { tokenRoutes } from './rbac/token-routes.ts'
import { rolePermissionsRoute, userPermissionsRoute, userRoles } from './rbac/role-routes.ts'
import { schemaRoutes } from './entities/schema-routes.ts'
import { protectPages, serveUi } from './session/serve-ui.ts'
import { targetOrderRoutes } from './node/target-order-routes.ts'
import { tagRoutes } from './entities/tag-routes.ts'
import { registerAccountRoutes, userSignInRoutes } from './session/account-routes.ts'
import { registerProviderRoutes } from './session/provider-routes.ts'
import { registerSessionRoutes, userInfoRoute } from './session/session-routes.ts'

/** Authenticates the caller; throws a Problem 401. */
export type IdentifyRequest = (
  request: FastifyRequest,
) => Promise<{ readonly principalId: string; readonly rights: Rights }>

export type AdminOptions = AppOptions & {
  /** Directory of the built Manager pages. */
  readonly uiDirectory: string
  /** Workers with a recent heartbeat. */
  readonly workers?: () => readonly KnownWorker[]
  readonly wantTraffic?: () => void
  readonly intake?: () => IntakeState
  /** Sends a manual health override to every worker. */
  readonly order?: (order: TargetOrder) => void
  /** Sends a purge of a cache to every worker. */
  readonly purge?: ((purge: CachePurge) => void) | undefined
  readonly logLevel?: LogLevels
  readonly preview?: Preview | undefined
  readonly warehouse?: AdminWarehouse | undefined
  /** Receivers of notifications about new requests. */
  readonly webhooks?: (() => readonly WebhookState[]) | undefined
  /** Origins whose pages may call the Admin API. */
  readonly corsOrigins?: readonly string[]
  /** Absent where nothing is recorded. */
  readonly findLastUses?: FindLastUses | undefined
  readonly analytics?: (app: FastifyInstance, identify: IdentifyRequest) => void
}

export type { AppTls } from './http/listen-app.ts'

export type OpenAdmin = {
  readonly admin: FastifyInstance
  readonly manager: FastifyInstance
  /** Serves one of the two, and counts its connections. */
  readonly listen: (
    this: void,
    app: FastifyInstance,
    listens: readonly AppListen[],
    tls: AppTls | undefined,
  ) => Promise<ListeningApp>
}

/** Opens the Admin API, and the Manager with the same API under `/admin`; neither listens yet. */
export async function openAdmin(options: AdminOptions): Promise<OpenAdmin> {
  const {
    configuration,
    version,
    uiDirectory,
    workers = () => [],
    intake = () => ({ bytes: 0, refused: 0 }),
    order = () => undefined,
  } = options
  const admin = buildApp(options)
  answerCors(admin, options.corsOrigins ?? [])
  const manager = buildApp(options)
  let requests = 0
  const { log } = options
  const { connections, count } = countConnections()
  for (const { server } of [admin, manager]) count(server)
  const facts = {
    version,
    node: uuidv4(),
    requests: () => requests,
    connections,
    workers,
    wantTraffic: options.wantTraffic,
    intake,
    order,
    purge: options.purge,
    log,
    logLevel: options.logLevel,
  }
  const { preview, warehouse, webhooks, findLastUses } = options
  const routes = adminRoutes(facts, { preview, warehouse, webhooks, findLastUses })
  const identify: IdentifyRequest = async (request) => {
    const principalId = await identifyPrincipal(configuration, request)
    const rights = configuration.rightsOf(principalId)
    if (rights === undefined) throw unidentified()
    return { principalId, rights }
  }
  protectPages(manager)
  for (const app of [admin, manager]) {
    app.addHook('onRequest', async () => void (requests += 1))
    registerSessionRoutes(app, configuration, version)
    registerProviderRoutes(app, configuration, version)
    registerAccountRoutes(app, configuration)
    options.analytics?.(app, identify)
  }
  // Built at the first request: it costs as much as the rest of the start.
  let description: Described | undefined
  const describe = (): Described =>
    (description ??= describeApi({ version, routes, catalog: configuration.catalog }))
  const openRoutes = [
    userInfoRoute(configuration, version),
    // The document contains nothing of the configuration.
    { path: '/openapi.json', answer: describe },
  ]
  const registerApi = async (app: FastifyInstance) =>
    registerRoutes(app, configuration, routes, openRoutes)
  await admin.register(registerApi)
  await manager.register(registerApi, { prefix: '/admin' })
  await serveUi(manager, uiDirectory)
  return {
    admin,
    manager,
    listen: (app, listens, tls) => listenApp(app, listens, tls, count),
  }
}

function countConnections() {
  let [accepted, active] = [0, 0]
  return {
    connections: (): ConnectionCounts => ({ accepted, active }),
    count(this: void, server: Server): void {
      server.on('connection', (socket: Socket) => {
        accepted += 1
        active += 1
        socket.once('close', () => (active -= 1))
      })
    },
  }
}

export function adminRoutes(
  facts: NodeFacts,
  {
    preview,
    warehouse,
    webhooks,
    findLastUses,
  }: Pick<AdminOptions, 'preview' | 'warehouse' | 'webhooks' | 'findLastUses'> = {},
): AdminRoute[] {
  const routes: AdminRoute[] = [
    ...nodeRoutes(facts, () => routes.map(({ path }) => path).sort()),
    ...kongNodeRoutes(facts),
    ...logLevelRoutes(facts.logLevel),
    metricsRoute(facts),
    ...warehouseRoutes(warehouse, webhooks),
    healthRoute(facts.node, facts.workers ?? (() => [])),
    ...targetOrderRoutes(facts.order ?? (() => undefined)),
    ...cachePurgeRoutes(facts.purge ?? (() => undefined)),
    ...schemaRoutes,
    ...configRoutes(preview),
    kongConfigRoute(),
    ...tagRoutes,
    credentialReportRoute(findLastUses),
    ...rotationRoutes(),
    userRoles('/rbac/users/:parent/roles'),
    userPermissionsRoute,
    rolePermissionsRoute,
    endpointPermissionsRoute,
    endpointPermissionRoute,
    ...tokenRoutes(),
    ...userSignInRoutes,
    ...groupRoutes(),
    ...adminAccountRoutes(),
    explainRoute(() => routes),
    explainTokenRoute,
    ...auditRoutes,
    ...membershipRoutes,
    ...entityRoutes(),
  ]
  return routes
}
