import type { AdminRoute, Asked } from '../admin-route.ts'
import { originOf } from '../entities/make-change.ts'
import { applyPlan } from '../../declarative/apply-plan.ts'
import { findDrift } from '../../declarative/find-drift.ts'
import { renderDocument } from '../../declarative/render-document.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { requiredFor, visibilityFor, secretsReader } from './visibility-for.ts'
import { plan, planRoute, syncRequest } from './plan-route.ts'
import { previewRoute, type Preview } from './preview-route.ts'
import { revisionRoutes } from './revision-routes.ts'
import type { Tell } from './tell-progress.ts'

/** The configuration of a workspace as a whole: as a document, beside a document, made as a document says, and what became of it since. */
export const configRoutes = (preview: Preview | undefined): readonly AdminRoute[] => [
  {
    path: '/config/document',
    locate: (locating) => locateAt('/config/document', locating),
    methods: { GET: async (asked) => dump(asked) },
  },
  planRoute('/config/diff', async (asked, tell) => (await plan(asked, tell)).plan),
  planRoute('/config/validate', async (asked, tell) => {
    const { plan: planned } = await plan(asked, tell)
    return { message: 'declarative config is valid', counts: planned.counts }
  }),
  previewRoute(preview),
  { ...planRoute('/config/sync', sync), action: 'update' },
  {
    path: '/config/drift',
    locate: (locating) => locateAt('/config/drift', locating),
    methods: {
      GET: async (asked) =>
        findDrift(asked.configuration, {
          workspace: asked.place.id,
          tags: configOptions(asked).tags,
          isKnown: visibilityFor(asked).isKnown,
        }),
    },
  },
  ...revisionRoutes,
]

/** Makes the document of a request true in the workspace of its path. */
export async function sync(asked: Asked, tell: Tell): Promise<unknown> {
  const { configuration, principal, check, request } = asked
  const { message, revision } = configOptions(asked)
  const synced = await applyPlan(configuration, {
    sync: syncRequest(asked, tell),
    principal,
    origin: originOf(request, check.ask),
    check: ({ plan: { items } }) => ({ ...check, alsoRequired: requiredFor(asked, items) }),
    message,
    ifRevision: revision,
    onProgress: tell('change'),
  })
  return { ...synced.plan, revision: synced.revision }
}

/** The document of the workspace of a path, as far as the principal may know it. */
export function dump(asked: Asked): unknown {
  const { configuration, place } = asked
  const options = configOptions(asked)
  return renderDocument(configuration.current().entries, {
    part: options.rbac_resources_only ? 'roles' : 'gateway',
    workspace: place,
    selectTags: options.tags ?? [],
    ownsShared: place.id === defaultWorkspace.id,
    withIds: options.with_id,
    isKnown: visibilityFor(asked).isKnown,
    canReadSecrets: secretsReader(asked),
  })
}
