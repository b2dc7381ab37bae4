import { buildRights } from '../../src/access/build-rights.ts'
import type { Rights } from '../../src/access/rights.ts'
import type { Stored } from '../../src/entities/entry.ts'
import { consumers, routes, services, workspaces } from './arbitrary-rights.ts'
import { namesIn, type NameLists } from './names-in.ts'

const stored = { id: '', created_at: 0, updated_at: 0, comment: null, role: { id: '' } }
const all = ['create', 'delete', 'read', 'update'] as const

/** Parses a short form: `+A /services/* read,create` allows in workspace A, `-` denies. Actions default to all. */
export function parsePermission(text: string): Stored<'endpoint-permission'> {
  const [where = '', endpoint = '', actions = '*'] = text.split(' ')
  return {
    ...stored,
    workspace: where.slice(1),
    endpoint,
    actions: actions === '*' ? [...all] : all.filter((one) => actions.split(',').includes(one)),
    negative: where.startsWith('-'),
  }
}

/** The rights of a principal `ann` with one role, `tester`, that has these permissions. */
export const buildTestRights = (
  home: { readonly id: string; readonly name: string },
  permissions: readonly string[],
  lists: NameLists = { workspaces, services, routes, callers: consumers },
): Rights =>
  buildRights(
    {
      principal: { id: 'ann', name: 'ann', kind: 'user' },
      held: [
        {
          role: { id: 'tester', name: 'tester' },
          workspace: home,
          endpoints: permissions.map(parsePermission),
          entities: [],
        },
      ],
      revision: 1,
    },
    namesIn(lists),
  )
