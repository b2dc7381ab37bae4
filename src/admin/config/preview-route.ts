import { parseWindow, type PreviewRequest } from '../../preview/preview-change.ts'
import type { SyncPlan } from '../../schema/config-difference.ts'
import type { PreviewReport } from '../../schema/preview.ts'
import { unidentified } from '../../control/permit.ts'
import { Problem } from '../../lib/problem.ts'
import { buildSnapshot } from '../../snapshot/build-snapshot.ts'
import { checkSnapshot } from '../../snapshot/check-snapshot.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { configOptions } from './config-options.ts'
import { plan, planRoute } from './plan-route.ts'
import type { Tell } from './tell-progress.ts'

/** Replays recorded traffic against a proposed configuration. */
export type Preview = (request: PreviewRequest) => Promise<PreviewReport>

/** A plan with what would have become of recorded requests by it. */
export type PreviewedPlan = { readonly plan: SyncPlan; readonly traffic: PreviewReport }

/** What a document would change, and what would have become of the requests of a window that the principal may see. */
export const previewRoute = (preview: Preview | undefined): AdminRoute =>
  planRoute('/config/preview', (asked, tell) => previewPlan(asked, tell, preview))

async function previewPlan(
  asked: Asked,
  tell: Tell,
  preview: Preview | undefined,
): Promise<PreviewedPlan> {
  if (preview === undefined) {
    throw new Problem('admin.no_traffic', 501, 'No traffic is recorded here')
  }
  const { configuration, principal } = asked
  const length = parseWindow(configOptions(asked).window)
  const rights = configuration.rightsOf(principal)
  if (rights === undefined) throw unidentified()
  const { snapshot } = configuration.current()
  const planned = await plan(asked, tell)
  const proposed = buildSnapshot(planned.entries)
  checkSnapshot(proposed)
  const to = configuration.clock.now()
  const traffic = await preview({
    rights,
    present: snapshot,
    proposed,
    from: to - length,
    to,
    onProgress: tell('replay'),
  })
  return { plan: planned.plan, traffic }
}
