import { planSync, type PlannedChange, type SyncRequest } from '../../declarative/plan-sync.ts'
import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { bodyIn } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { visibilityFor } from './visibility-for.ts'
import { tellProgress, type Tell } from './tell-progress.ts'

/** Ten thousand routes with all that belongs to them are some mebibytes. */
export const bodyLimit = 64 * 1024 * 1024

/** A path to which a document is sent. */
export function planRoute(
  path: string,
  work: (asked: Asked, tell: Tell) => Promise<unknown>,
): AdminRoute {
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

/** Plans what a request asks for; refuses what the principal could not read. */
export async function plan(asked: Asked, tell: Tell): Promise<PlannedChange> {
  return planSync(asked.configuration, syncRequest(asked, tell))
}

/** What a request asks to be made true. */
export function syncRequest(asked: Asked, tell: Tell): SyncRequest {
  const { rbac_resources_only: isOfRoles, keep_rest: keepsRest } = configOptions(asked)
  return {
    document: bodyIn(asked),
    workspace: asked.place.name,
    part: isOfRoles ? 'roles' : 'gateway',
    keepsRest,
    isKnown: visibilityFor(asked).isKnown,
    onProgress: tell('plan'),
  }
}
