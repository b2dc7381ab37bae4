import type { AccessCheck } from '../control/permit.ts'
import type { Configuration } from '../control/configuration.ts'
import { isRevisionConflict, type Origin } from '../control/change-configuration.ts'
import type { OnProgress } from '../control/apply-operation.ts'
import type { SyncPlan } from '../schema/config-difference.ts'
import { planSync, type PlannedChange, type SyncRequest } from './plan-sync.ts'
import { recordSync } from './record-sync.ts'

export type ApplyRequest = {
  readonly sync: SyncRequest
  /** An id. */
  readonly principal: string
  readonly origin: Origin
  /** Everything that the principal needs permission for. */
  readonly check: (planned: PlannedChange) => AccessCheck
  readonly message?: string | undefined
  /** The sync fails when another revision is current. */
  readonly ifRevision?: number | undefined
  /** Reports the apply phase; `sync.onProgress` reports the planning. */
  readonly onProgress?: OnProgress | undefined
}

export type Synced = { readonly plan: SyncPlan; readonly revision: number }

/** Attempts before a sync gives up because of concurrent changes. */
const maxPlans = 5

/** Plans and applies a document as one change: all of it, or nothing. */
export async function applyPlan(
  configuration: Configuration,
  request: ApplyRequest,
): Promise<Synced> {
  for (let tries = 1; ; tries += 1) {
    const planned = await planSync(configuration, request.sync)
    try {
      return await change(configuration, request, planned)
    } catch (error) {
      if (!isRevisionConflict(error) || request.ifRevision !== undefined || tries === maxPlans)
        throw error
    }
  }
}

async function change(
  configuration: Configuration,
  request: ApplyRequest,
  planned: PlannedChange,
): Promise<Synced> {
  const { plan, operations } = planned
  const check = request.check(planned)
  const refusal = configuration.refusal(request.principal, check)
  if (refusal !== undefined) throw refusal
  const record = await recordSync(configuration, planned, {
    principal: configuration.rightsOf(request.principal)?.principal.name ?? '',
    message: request.message,
  })
  if (operations.length === 0) {
    await configuration.writeSetting(record.name, record.value(plan.revision))
    return { plan, revision: plan.revision }
  }
  const { revision } = await configuration.change({
    principal: request.principal,
    check,
    origin: request.origin,
    operations,
    status: 200,
    ifRevision: request.ifRevision ?? plan.revision,
    message: request.message,
    settings: { [record.name]: record.value(plan.revision + 1) },
    onProgress: request.onProgress,
  })
  return { plan, revision }
}
