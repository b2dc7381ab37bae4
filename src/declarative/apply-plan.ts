import type { AccessCheck } from '../control/permit.ts'
import type { Configuration } from '../control/configuration.ts'
import { isRevisionConflict, type Origin } from '../control/change-configuration.ts'
import { runBetweenEvents, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { OnProgress } from '../control/apply-operation.ts'
import type { SyncPlan } from '../schema/config-difference.ts'
import { planSync, type PlannedChange, type SyncRequest } from './plan-sync.ts'
import { recordSync } from './record-sync.ts'

export type ApplyRequest = {
  readonly sync: SyncRequest
  /** An id. */
  readonly principal: string
  readonly origin: Origin
  /** The permissions that the change requires. */
  readonly check: (planned: PlannedChange) => CooperativeTask<AccessCheck>
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
    const prepared = await prepare(configuration, request)
    try {
      return await change(configuration, request, prepared)
    } catch (error) {
      if (!isRevisionConflict(error) || request.ifRevision !== undefined || tries === maxPlans)
        throw error
    }
  }
}

/** A plan without its draft, which is as large as the document. */
type Prepared = Pick<PlannedChange, 'revision' | 'operations' | 'describe'> & {
  readonly check: AccessCheck
  readonly record: Awaited<ReturnType<typeof recordSync>>
}

async function prepare(configuration: Configuration, request: ApplyRequest): Promise<Prepared> {
  const planned = await planSync(configuration, request.sync)
  const check = await runBetweenEvents(request.check(planned))
  await configuration.permit(request.principal, check)
  const record = await recordSync(configuration, planned, {
    principal: configuration.rightsOf(request.principal)?.principal.name ?? '',
    message: request.message,
  })
  const { revision, operations, describe } = planned
  return { revision, operations, describe, check, record }
}

async function change(
  configuration: Configuration,
  request: ApplyRequest,
  { revision: planned, operations, describe, check, record }: Prepared,
): Promise<Synced> {
  if (operations.length === 0) {
    await configuration.writeSetting(record.name, record.value(planned))
    const { entries } = configuration.current()
    const plan = await describe({ touched: [], before: entries, after: entries })
    return { plan, revision: planned }
  }
  const { revision, ...made } = await configuration.change({
    principal: request.principal,
    check,
    origin: request.origin,
    operations,
    status: 200,
    ifRevision: request.ifRevision ?? planned,
    message: request.message,
    settings: { [record.name]: record.value(planned + 1) },
    onProgress: request.onProgress,
  })
  return { plan: await describe(made), revision }
}
