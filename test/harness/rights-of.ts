import { buildRights, type Names } from '../../src/access/build-rights.ts'
import type { Rights } from '../../src/access/rights.ts'
import type { Stored } from '../../src/entities/entry.ts'
import { names as world } from './arbitrary-rights.ts'

const stored = { id: '', created_at: 0, updated_at: 0, comment: null, role: { id: '' } }
const all = ['create', 'delete', 'read', 'update'] as const

/** A permission in short: `+A /services/* read,create` allows in workspace A, `-` forbids; without actions, all of them. */
export function endpointOf(text: string): Stored<'endpoint-permission'> {
  const [where = '', endpoint = '', actions = '*'] = text.split(' ')
  return {
    ...stored,
    workspace: where.slice(1),
    endpoint,
    actions: actions === '*' ? [...all] : all.filter((one) => actions.split(',').includes(one)),
    negative: where.startsWith('-'),
  }
}

/** The rights of ann, who has the role tester of one workspace with these permissions. */
export const rightsOf = (
  home: { readonly id: string; readonly name: string },
  permissions: readonly string[],
  names: Names = world,
): Rights =>
  buildRights(
    {
      principal: { id: 'ann', name: 'ann', kind: 'user' },
      held: [
        {
          role: { id: 'tester', name: 'tester' },
          workspace: home,
          endpoints: permissions.map(endpointOf),
          entities: [],
        },
      ],
      revision: 1,
    },
    names,
  )
