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

const everything: Permission = { endpoint: '*', actions: all, negative: false }
const reading: Permission = { endpoint: '*', actions: ['read'], negative: false }

/** A `*` in an endpoint is one segment, so that a tree needs a line for each of its depths. */
const notRbac: readonly Permission[] = [1, 2, 3, 4, 5].map((depth) => ({
  endpoint: `/rbac${'/*'.repeat(depth)}`,
  actions: all,
  negative: true,
}))

const levels: readonly DefaultRole[] = [
  { name: 'super-admin', comment: 'Full access, also to roles', permissions: [everything] },
  {
    name: 'admin',
    comment: 'Full access, except to roles and users',
    permissions: [everything, ...notRbac],
  },
  { name: 'read-only', comment: 'Read access', permissions: [reading] },
]

type NewWorkspace = {
  readonly id: string
  readonly createdAt: number
  readonly fields: { readonly name: string }
}

/** Gives a new workspace Kong's roles: those of the default workspace reach every workspace, those of another only it. */
export function addDefaultRoles(
  { id: workspace, createdAt, fields }: NewWorkspace,
  edit: Edit,
): void {
  const isDefault = workspace === defaultWorkspace.id
  const reach = isDefault ? '*' : fields.name
  for (const { name, comment, permissions } of levels) {
    const { id } = edit.create(role, {
      workspace,
      createdAt,
      fields: {
        name: isDefault ? name : `workspace-${name}`,
        comment: `${comment}, in ${isDefault ? 'every workspace' : `workspace ${reach}`}`,
        is_default: false,
      },
    })
    for (const { endpoint, actions, negative } of permissions) {
      edit.create(endpointPermission, {
        workspace,
        createdAt,
        fields: {
          role: { id },
          workspace: reach,
          endpoint,
          actions: [...actions],
          negative,
          comment: null,
        },
      })
    }
  }
}
