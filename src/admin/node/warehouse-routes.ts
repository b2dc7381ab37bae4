import type { Configuration } from '../../control/configuration.ts'
import { superAdmins } from '../../control/keep-super-admin.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { z } from 'zod'
import { uuidv7 } from '../../lib/ids.ts'
import { Problem } from '../../lib/problem.ts'
import { erasureColumns, type ErasureSelector } from '../../warehouse/erasure-rule.ts'
import type { Erasure } from '../../warehouse/open-erasures.ts'
import type { WebhookState } from '../../telemetry/open-webhooks.ts'
import type { Warehouse } from '../../warehouse/open-warehouse.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'

/** The parts of the warehouse that the Admin API uses. */
export type AdminWarehouse = Pick<Warehouse, 'state' | 'backups' | 'retention' | 'erasures'>

/** The state of the warehouse, its backups and erasures. They concern the traffic of all workspaces, so they are for super-admins. */
export function warehouseRoutes(
  warehouse: AdminWarehouse | undefined,
  webhooks: () => readonly WebhookState[] = () => [],
): AdminRoute[] {
  const opened = (): AdminWarehouse => {
    if (warehouse === undefined)
      throw new Problem('admin.warehouse', 501, 'This node has no warehouse.')
    return warehouse
  }
  return [
    at('/warehouse', {
      GET: async ({ configuration }) => ({
        ...(await opened().state()),
        retention: describeRetention(opened(), configuration),
        webhooks: webhooks(),
      }),
    }),
    at('/warehouse/backups', {
      async POST(context) {
        requireSuperAdmin(context)
        const name = nameIn(bodyFields(context)['name'])
        await record(context, `Creates the warehouse backup ${name}.`)
        return await opened().backups.create(name)
      },
    }),
    at('/warehouse/backups/:backup/restore', {
      async POST(context) {
        requireSuperAdmin(context)
        const name = nameIn(context.params['backup'])
        await record(context, `Restores the warehouse backup ${name}.`)
        return await opened().backups.restore(name)
      },
    }),
    at('/warehouse/erasures', {
      GET: async () => ({ data: (await opened().erasures.list()).map(describeErasure) }),
      async POST(context) {
        requireSuperAdmin(context)
        return await erase(context, opened().erasures)
      },
    }),
  ]
}

/** Days for which requests are kept. */
function describeRetention(warehouse: AdminWarehouse, configuration: Configuration) {
  const { days, workspaces = new Map<string, number>() } = warehouse.retention('requests') ?? {}
  const nameOf = (at: string) =>
    configuration.find({ entity: 'workspace', workspace: null, at })?.fields.name
  return {
    days,
    workspaces: [...workspaces].map(([id, own]) => ({ id, name: nameOf(id), days: own })),
  }
}

/** Permission is decided in the default workspace. */
const at = (path: string, methods: AdminRoute['methods']): AdminRoute => ({
  path,
  methods,
  locate: (context) => ({
    check: { ask: { workspace: defaultWorkspace, path, action: context.action } },
    isLost: context.workspaceRef.id === '',
  }),
})

const erasureBody = z.strictObject({
  workspace: z.string().optional(),
  ...(Object.fromEntries(
    Object.keys(erasureColumns).map((name) => [name, z.string().min(1).max(10_000).optional()]),
  ) as Record<ErasureSelector, z.ZodOptional<z.ZodString>>),
})

/** Audit records do not name the subject. */
async function erase(context: RequestContext, erasures: AdminWarehouse['erasures']) {
  const { selector, value, workspace } = readErasure(context)
  const { configuration } = context
  const id = uuidv7(configuration.clock.now())
  const where = workspace === undefined ? 'all workspaces' : `workspace ${workspace.name}`
  await record(context, `Erasure ${id} begins: requests in ${where} of one ${selector}.`)
  const done = await erasures.erase({ id, selector, value, workspace: workspace?.id })
  await record(
    context,
    `Erasure ${id} is complete: ${done.before} requests before, ${done.after} after. SHA-256 of its salt and the ${selector}: ${done.hash}.`,
  )
  return { ...describeErasure(done), audit: await configuration.audit.head() }
}

function readErasure(context: RequestContext) {
  const { configuration } = context
  const parsed = erasureBody.safeParse(bodyFields(context))
  const { workspace: name, ...selectors } = parsed.data ?? {}
  const given = Object.entries(selectors).filter(([, one]) => one !== undefined)
  const [[selector, value] = []] = given
  if (selector === undefined || value === undefined || given.length > 1)
    throw new Problem(
      'admin.erasure',
      400,
      `expected one of ${Object.keys(erasureColumns).join(', ')} with the value that requests have, and optionally workspace`,
    )
  const workspace =
    name === undefined
      ? undefined
      : configuration.find({ entity: 'workspace', workspace: null, at: name })
  if (name !== undefined && workspace === undefined)
    throw new Problem('admin.erasure_workspace', 400, `workspace: there is no workspace '${name}'`)
  return {
    selector: selector as ErasureSelector,
    value,
    workspace: workspace && { id: workspace.id, name: workspace.fields.name },
  }
}

const describeErasure = ({ time, isFinished, workspace, ...erasure }: Erasure) => ({
  ...erasure,
  workspace: workspace === '' ? null : workspace,
  time: new Date(time).toISOString(),
  finished: isFinished,
})

function nameIn(given: unknown): string {
  if (typeof given === 'string' && given !== '') return given
  throw new Problem('admin.backup_name', 400, 'name: expected the name of the backup')
}

function requireSuperAdmin({ configuration, principal }: RequestContext): void {
  if (!superAdmins(configuration.current().indexes).includes(principal))
    throw new Problem(
      'admin.super_admin',
      403,
      'Only super-admins can back up and restore the warehouse, and erase events.',
    )
}

/** Writes the audit record before the operation. */
async function record(context: RequestContext, because: string): Promise<void> {
  const { configuration, principal, check, request } = context
  const origin = originOf(request, check.ask, configuration)
  await configuration.change({ principal, check, origin, operations: [], status: 200, because })
}
