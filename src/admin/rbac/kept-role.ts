import { fullPermissionOf, superAdminRole } from '../../control/keep-super-admin.ts'
import { entityNamed } from '../../entities/entities.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { itemRoute } from '../entities/item-route.ts'
import { originOf } from '../entities/make-change.ts'

const item = itemRoute({ path: '/rbac/roles/:item', entity: entityNamed('role') })

/** A role. The deletion of super-admin succeeds and removes nothing, so that decK can delete all roles one by one. */
export const roleRoute: AdminRoute = {
  ...item,
  methods: {
    ...item.methods,
    DELETE: async (context) => (await keepSuperAdmin(context)) ?? item.methods.DELETE?.(context),
  },
}

/** The answer to the deletion of the role super-admin or of its permission for everything; undefined for any other. The attempt is in the audit log. */
export async function keepSuperAdmin(
  context: RequestContext,
): Promise<{ readonly message: string } | undefined> {
  const { configuration, principal, check, request } = context
  const { indexes } = configuration.current()
  const role = superAdminRole(indexes)
  const id = context.entry?.id
  if (role === undefined || id === undefined) return undefined
  if (id !== role.id && id !== fullPermissionOf(indexes, role)?.id) return undefined
  const message = 'The role super-admin and its permission for everything are kept.'
  const origin = originOf(request, check.ask, configuration)
  await configuration.change({
    principal,
    check,
    origin,
    operations: [],
    status: 200,
    because: message,
  })
  void context.reply.code(200)
  return { message }
}
