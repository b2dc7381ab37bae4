import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { originOf } from '../entities/make-change.ts'
import { applyPlan } from '../../declarative/apply-plan.ts'
import { findDrift } from '../../declarative/find-drift.ts'
import { renderDocument } from '../../declarative/render-document.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { requiredFor, secretsReader } from './required-for.ts'
import { plan, planRoute, buildSyncRequest } from './plan-route.ts'
import { previewRoute, type Preview } from './preview-route.ts'
import { revisionRoutes } from './revision-routes.ts'
import type { PhaseProgress } from './report-progress.ts'

/** Declarative configuration of a workspace: dump, diff, validate, preview, sync, drift and revisions. */
export const configRoutes = (preview: Preview | undefined): readonly AdminRoute[] => [
  {
    path: '/config/document',
    locate: (context) => locateAt('/config/document', context),
    methods: { GET: async (context) => dump(context) },
  },
  planRoute('/config/diff', async (context, progressFor) => {
    const planned = await plan(context, progressFor)
    return planned.describe(planned)
  }),
  planRoute('/config/validate', async (context, progressFor) => {
    const planned = await plan(context, progressFor)
    const { counts } = await planned.describe(planned)
    return { message: 'declarative config is valid', counts }
  }),
  previewRoute(preview),
  { ...planRoute('/config/sync', sync), action: 'update' },
  {
    path: '/config/drift',
    locate: (context) => locateAt('/config/drift', context),
    methods: {
      GET: async (context) =>
        findDrift(context.configuration, {
          workspace: context.workspaceRef.id,
          tags: configOptions(context).tags,
          reader: context.configuration.readerFor(context.principal),
        }),
    },
  },
  ...revisionRoutes,
]

export async function sync(context: RequestContext, progressFor: PhaseProgress): Promise<unknown> {
  const { configuration, principal, check, request } = context
  const { message, revision, ...options } = configOptions(context)
  const synced = await applyPlan(configuration, {
    sync: buildSyncRequest(context, progressFor),
    principal,
    origin: originOf(request, check.ask),
    *check({ unchanged, touched }) {
      const isEmptied = unchanged === 0 && touched.every(({ after }) => after === undefined)
      if (isEmptied && touched.length > 0 && !options.allow_empty && !options.rbac_resources_only)
        throw emptying(touched.length)
      return { ...check, alsoRequired: yield* requiredFor(context, touched) }
    },
    message,
    ifRevision: revision,
    onProgress: progressFor('change'),
  })
  return { ...synced.plan, revision: synced.revision }
}

const emptying = (entities: number): Problem =>
  new Problem(
    'admin.emptying',
    400,
    'The document has no entities and would delete all existing ones',
    {
      detail: {
        because: `It would delete ${entities} ${entities === 1 ? 'entity' : 'entities'}. Send allow_empty=true to confirm.`,
      },
    },
  )

/** Contains only entities that the principal may read. */
export async function dump(context: RequestContext): Promise<unknown> {
  const { configuration, workspaceRef } = context
  const options = configOptions(context)
  const document = renderDocument(configuration.current().entries, {
    part: options.rbac_resources_only ? 'roles' : 'gateway',
    workspace: workspaceRef,
    selectTags: options.tags ?? [],
    ownsShared: workspaceRef.id === defaultWorkspace.id,
    withIds: options.with_id,
    reader: context.configuration.readerFor(context.principal),
    canReadSecrets: secretsReader(context),
  })
  return runBetweenEvents(document)
}
