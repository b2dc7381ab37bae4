import { parseWindow, type PreviewRequest } from '../../preview/preview-change.ts'
import type { SyncPlan } from '../../schema/config-difference.ts'
import type { PreviewReport } from '../../schema/preview.ts'
import { unidentified } from '../../control/permit.ts'
import { Problem } from '../../lib/problem.ts'
import { buildSnapshot } from '../../snapshot/build-snapshot.ts'
import { checkSnapshot } from '../../snapshot/check-snapshot.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { configOptions } from './config-options.ts'
import { plan, planRoute } from './plan-route.ts'
import type { PhaseProgress } from './report-progress.ts'

export type Preview = (request: PreviewRequest) => Promise<PreviewReport>

export type PreviewedPlan = { readonly plan: SyncPlan; readonly traffic: PreviewReport }

/** Plans a document and replays the recorded requests of a window, limited to those that the principal may see. */
export const previewRoute = (preview: Preview | undefined): AdminRoute =>
  planRoute('/config/preview', (context, progressFor) => previewPlan(context, progressFor, preview))

async function previewPlan(
  context: RequestContext,
  progressFor: PhaseProgress,
  preview: Preview | undefined,
): Promise<PreviewedPlan> {
  if (preview === undefined) {
    throw new Problem('admin.no_traffic', 501, 'This node does not record traffic')
  }
  const { configuration, principal } = context
  const length = parseWindow(configOptions(context).window)
  const rights = configuration.rightsOf(principal)
  if (rights === undefined) throw unidentified()
  const { snapshot } = configuration.current()
  const planned = await plan(context, progressFor)
  const proposed = buildSnapshot(planned.after)
  checkSnapshot(proposed)
  const to = configuration.clock.now()
  const traffic = await preview({
    rights,
    present: snapshot,
    proposed,
    from: to - length,
    to,
    onProgress: progressFor('replay'),
  })
  return { plan: await planned.describe(planned), traffic }
}
