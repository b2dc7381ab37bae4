import type { Configuration } from '../../control/configuration.ts'
import { superAdmins } from '../../control/keep-super-admin.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { Problem } from '../../lib/problem.ts'
import type { Warehouse } from '../../warehouse/open-warehouse.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'

/** The parts of the warehouse that the Admin API uses. */
export type AdminWarehouse = Pick<Warehouse, 'state' | 'backups' | 'retention'>

/** The state of the warehouse and its backups. They hold the traffic of all workspaces, so backups are for super-admins. */
export function warehouseRoutes(warehouse: AdminWarehouse | undefined): AdminRoute[] {
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

function nameIn(given: unknown): string {
  if (typeof given === 'string' && given !== '') return given
  throw new Problem('admin.backup_name', 400, 'name: expected the name of the backup')
}

function requireSuperAdmin({ configuration, principal }: RequestContext): void {
  if (!superAdmins(configuration.current().indexes).includes(principal))
    throw new Problem(
      'admin.super_admin',
      403,
      'Only super-admins can back up and restore the warehouse.',
    )
}

/** Writes the audit record before the operation. */
async function record(context: RequestContext, because: string): Promise<void> {
  const { configuration, principal, check, request } = context
  const origin = originOf(request, check.ask, configuration)
  await configuration.change({ principal, check, origin, operations: [], status: 200, because })
}
