import { planSync, type PlannedChange, type SyncRequest } from '../../declarative/plan-sync.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import { documentBytes } from '../http/body-limits.ts'
import { bodyFields } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { reportProgress, type PhaseProgress } from './report-progress.ts'

/** A route that accepts a declarative document. */
export function planRoute(
  path: string,
  work: (context: RequestContext, progressFor: PhaseProgress) => Promise<unknown>,
): AdminRoute {
  return {
    path,
    action: 'read',
    bodyLimit: documentBytes,
    locate: (context) => locateOrCreate(path, context),
    methods: {
      POST: (context) => reportProgress(context, (progressFor) => work(context, progressFor)),
    },
  }
}

/** The workspace of a document does not have to exist yet. */
const locateOrCreate = (path: string, context: PathContext): Located => ({
  ...locateAt(path, context),
  isLost: false,
})

export async function plan(
  context: RequestContext,
  progressFor: PhaseProgress,
): Promise<PlannedChange> {
  return planSync(context.configuration, buildSyncRequest(context, progressFor))
}

export function buildSyncRequest(context: RequestContext, progressFor: PhaseProgress): SyncRequest {
  const { rbac_resources_only: isOfRoles, keep_rest: keepsRest } = configOptions(context)
  return {
    document: bodyFields(context),
    principal: context.principal,
    workspace: context.workspaceRef.name,
    part: isOfRoles ? 'roles' : 'gateway',
    keepsRest,
    reader: context.configuration.readerFor(context.principal),
    onProgress: progressFor('plan'),
  }
}
