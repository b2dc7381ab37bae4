import type { AccessCheck } from '../control/permit.ts'
import type { Configuration } from '../control/configuration.ts'
import { isRevisionConflict, type Origin } from '../control/change-configuration.ts'
import type { OnProgress } from '../control/apply-operation.ts'
import type { SyncPlan } from '../schema/config-difference.ts'
import { planSync, type PlannedChange, type SyncRequest } from './plan-sync.ts'
import { rememberSync } from './remember-sync.ts'

/** Who wants a document to be true, and what they say about it. */
export type SyncOrder = {
  readonly sync: SyncRequest
  /** Id of the principal. */
  readonly principal: string
  readonly origin: Origin
  /** All that the principal must be allowed for a plan. */
  readonly check: (planned: PlannedChange) => AccessCheck
  readonly message?: string | undefined
  /** The revision on which the principal saw the plan; another one meanwhile refuses the sync. */
  readonly ifRevision?: number | undefined
  /** Called during the second half of the work, when the plan is applied. */
  readonly onProgress?: OnProgress | undefined
}

/** What came of a sync. */
export type Synced = { readonly plan: SyncPlan; readonly revision: number }

/** How often a plan is made anew when somebody else changes the configuration meanwhile. */
const maxPlans = 5

/** Makes a document true as one change: all of it, or nothing. */
export async function applyPlan(configuration: Configuration, order: SyncOrder): Promise<Synced> {
  for (let tries = 1; ; tries += 1) {
    const planned = await planSync(configuration, order.sync)
    try {
      return await change(configuration, order, planned)
    } catch (error) {
      if (!isRevisionConflict(error) || order.ifRevision !== undefined || tries === maxPlans)
        throw error
    }
  }
}

async function change(
  configuration: Configuration,
  order: SyncOrder,
  planned: PlannedChange,
): Promise<Synced> {
  const { plan, operations } = planned
  const check = order.check(planned)
  const refusal = configuration.refusal(order.principal, check)
  if (refusal !== undefined) throw refusal
  const remembered = await rememberSync(configuration, planned, {
    principal: configuration.rightsOf(order.principal)?.principal.name ?? '',
    message: order.message,
  })
  if (operations.length === 0) {
    await configuration.writeSetting(remembered.name, remembered.value(plan.revision))
    return { plan, revision: plan.revision }
  }
  const { revision } = await configuration.change({
    principal: order.principal,
    check,
    origin: order.origin,
    operations,
    status: 200,
    ifRevision: order.ifRevision ?? plan.revision,
    message: order.message,
    settings: { [remembered.name]: remembered.value(plan.revision + 1) },
    onProgress: order.onProgress,
  })
  return { plan, revision }
}
