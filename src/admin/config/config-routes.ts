import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { bodyIn, originOf } from '../make-change.ts'
import { carryOut } from '../../declarative/carry-out.ts'
import { findDrift } from '../../declarative/find-drift.ts'
import { planSync, type PlannedChange, type SyncRequest } from '../../declarative/plan-sync.ts'
import { renderDocument } from '../../declarative/render-document.ts'
import { defaultWorkspace } from '../../schema/workspace.ts'
import { locateAt } from '../schema-routes.ts'
import { configOptions } from './config-options.ts'
import { asksFor, knownTo, mayWrite } from './known-to.ts'
import { revisionRoutes } from './revision-routes.ts'
import { tellProgress, type Tell } from './tell-progress.ts'

/** Ten thousand routes with all that belongs to them are some mebibytes. */
const bodyLimit = 64 * 1024 * 1024

/** The configuration of a workspace as a whole: as a document, beside a document, made as a document says, and what became of it since. */
export const configRoutes: readonly AdminRoute[] = [
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
  { ...planRoute('/config/sync', sync), action: 'update' },
  {
    path: '/config/drift',
    locate: (locating) => locateAt('/config/drift', locating),
    methods: {
      GET: async (asked) =>
        findDrift(asked.configuration, {
          workspace: asked.place.id,
          tags: configOptions(asked).tags,
          isKnown: knownTo(asked).isKnown,
        }),
    },
  },
  ...revisionRoutes,
]

function planRoute(path: string, work: (asked: Asked, tell: Tell) => Promise<unknown>): AdminRoute {
  return {
    path,
    action: 'read',
    bodyLimit,
    locate: (locating) => locateMaybe(path, locating),
    methods: { POST: (asked) => tellProgress(asked, (tell) => work(asked, tell)) },
  }
}

/** A document may be for a workspace that is not there yet. */
const locateMaybe = (path: string, locating: Locating): Located => ({
  ...locateAt(path, locating),
  isLost: false,
})

/** Plans what a request asks for; refuses what the asker could not read. */
export async function plan(asked: Asked, tell: Tell): Promise<PlannedChange> {
  return planSync(asked.configuration, syncRequest(asked, tell))
}

function syncRequest(asked: Asked, tell: Tell): SyncRequest {
  const { rbac_resources_only: isOfRoles, keep_rest: keepsRest } = configOptions(asked)
  return {
    document: bodyIn(asked),
    workspace: asked.place.name,
    part: isOfRoles ? 'roles' : 'gateway',
    keepsRest,
    isKnown: knownTo(asked).isKnown,
    tell: tell('plan'),
  }
}

async function sync(asked: Asked, tell: Tell): Promise<unknown> {
  const { configuration, principal, question, request } = asked
  const { message, revision } = configOptions(asked)
  const synced = await carryOut(configuration, {
    sync: syncRequest(asked, tell),
    asker: { principal },
    origin: originOf(request, question.ask),
    question: ({ plan: { items } }) => ({ ...question, also: asksFor(asked, items) }),
    message,
    ifRevision: revision,
    tellChange: tell('change'),
  })
  return { ...synced.plan, revision: synced.revision }
}

function dump(asked: Asked): unknown {
  const { configuration, place } = asked
  const options = configOptions(asked)
  return renderDocument(configuration.current().entries, {
    part: options.rbac_resources_only ? 'roles' : 'gateway',
    workspace: place,
    selectTags: options.tags ?? [],
    ownsShared: place.id === defaultWorkspace.id,
    withIds: options.with_id,
    isKnown: knownTo(asked).isKnown,
    maySeeSecrets: mayWrite(asked),
  })
}
