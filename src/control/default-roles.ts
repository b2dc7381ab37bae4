import { uuidv4 } from '../lib/ids.ts'
import type { Entry } from '../schema/entry.ts'
import type { Action } from '../schema/role.ts'
import { defaultWorkspace } from '../schema/workspace.ts'
import type { Draft } from './draft.ts'

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

/** Gives a new workspace Kong's roles: those of the default workspace reach every workspace, those of another only it. */
export function addDefaultRoles(draft: Draft, workspace: Entry): void {
  const isDefault = workspace.id === defaultWorkspace.id
  const reach = isDefault ? '*' : String(workspace.fields['name'])
  for (const { name, comment, permissions } of levels) {
    const surroundings = {
      workspace: workspace.id,
      createdAt: workspace.createdAt,
      updatedAt: workspace.createdAt,
    }
    const role = { ...surroundings, id: uuidv4() }
    const fields = {
      name: isDefault ? name : `workspace-${name}`,
      comment: `${comment}, in ${isDefault ? 'every workspace' : `workspace ${reach}`}`,
      is_default: false,
    }
    draft.put('role', { ...role, fields })
    for (const permission of permissions) {
      draft.put('endpoint-permission', {
        ...surroundings,
        id: uuidv4(),
        fields: { role: { id: role.id }, workspace: reach, ...permission, comment: null },
      })
    }
  }
}
