import type { Action } from '../action.ts'
import { defaultWorkspace } from '../default-workspace.ts'
import type { Edit } from '../hooks.ts'
import { endpointPermission, role } from './role.ts'

type Permission = {
  readonly endpoint: string
  readonly actions: readonly Action[]
  readonly negative: boolean
}

type DefaultRole = {
  readonly name: string
  readonly comment: string
  readonly permissions: readonly Permission[]
}

const all: readonly Action[] = ['create', 'delete', 'read', 'update']

const allEverything: Permission = { endpoint: '*', actions: all, negative: false }
const readEverything: Permission = { endpoint: '*', actions: ['read'], negative: false }

/** `*` in an endpoint matches one segment, so each depth below /rbac needs its own permission. */
const denyRbac: readonly Permission[] = [1, 2, 3, 4, 5].map((depth) => ({
  endpoint: `/rbac${'/*'.repeat(depth)}`,
  actions: all,
  negative: true,
}))

const defaultRoles: readonly DefaultRole[] = [
  { name: 'super-admin', comment: 'Full access, also to roles', permissions: [allEverything] },
  {
    name: 'admin',
    comment: 'Full access, except to roles and users',
    permissions: [allEverything, ...denyRbac],
  },
  { name: 'read-only', comment: 'Read access', permissions: [readEverything] },
]

type NewWorkspace = {
  readonly id: string
  readonly createdAt: number
  readonly fields: { readonly name: string }
}

/** Creates Kong's default roles in a new workspace. The roles of the default workspace apply to every workspace. */
export function addDefaultRoles(
  { id: workspace, createdAt, fields }: NewWorkspace,
  edit: Edit,
): void {
  const isDefault = workspace === defaultWorkspace.id
  const scope = isDefault ? '*' : fields.name
  for (const { name, comment, permissions } of defaultRoles) {
    const { id } = edit.create(role, {
      workspace,
      createdAt,
      fields: {
        name: isDefault ? name : `workspace-${name}`,
        comment: `${comment}, in ${isDefault ? 'every workspace' : `workspace ${scope}`}`,
        is_default: false,
      },
    })
    for (const { endpoint, actions, negative } of permissions) {
      edit.create(endpointPermission, {
        workspace,
        createdAt,
        fields: {
          role: { id },
          workspace: scope,
          endpoint,
          actions: [...actions],
          negative,
          comment: null,
        },
      })
    }
  }
}
