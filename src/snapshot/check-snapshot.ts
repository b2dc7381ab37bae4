import { Problem } from '../lib/problem.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** Throws when an id occurs twice, a list is out of order, or a reference is broken or leads into another workspace. */
export function checkSnapshot(snapshot: Snapshot): void {
  const workspacesByList = new Map(lists.map((list) => [list, new Map<string, string>()] as const))
  for (const list of lists) {
    const workspaces = workspacesByList.get(list)
    let previous: string | undefined
    for (const item of snapshot[list]) {
      if (previous !== undefined && item.id <= previous)
        throw invalid(`${list} are not in order of id`)
      workspaces?.set(item.id, workspaceOf(item))
      previous = item.id
    }
  }
  for (const list of lists) {
    if (list === 'workspaces') continue
    for (const item of snapshot[list]) checkReferences(list, item, workspacesByList)
  }
}

const lists = [
  'workspaces',
  'services',
  'routes',
  'consumers',
  'consumer_groups',
  'keys',
  'upstreams',
  'plugins',
  'certificates',
  'snis',
  'vaults',
] as const
type List = (typeof lists)[number]

type Referring = {
  readonly workspace: string
  readonly service?: { readonly id: string } | null
  readonly route?: { readonly id: string } | null
  readonly consumer?: { readonly id: string } | string | null
  readonly consumer_group?: { readonly id: string } | null
  readonly certificate?: { readonly id: string } | null
  readonly client_certificate?: { readonly id: string } | null
}

const workspaceOf = (item: { readonly id: string; readonly workspace?: string }): string =>
  item.workspace ?? item.id

type WorkspacesByList = ReadonlyMap<List, ReadonlyMap<string, string>>

function checkReferences(
  list: List,
  item: Referring & { readonly id: string },
  workspacesByList: WorkspacesByList,
): void {
  const check = (to: List, id: string | undefined): void => {
    if (id === undefined) return
    const workspace = workspacesByList.get(to)?.get(id)
    if (workspace === item.workspace) return
    throw invalid(`${list} '${item.id}' refers to ${to} '${id}', ${explain(workspace)}`)
  }
  check('workspaces', item.workspace)
  check('services', item.service?.id)
  check('routes', item.route?.id)
  check('consumers', typeof item.consumer === 'string' ? item.consumer : item.consumer?.id)
  check('consumer_groups', item.consumer_group?.id)
  check('certificates', item.certificate?.id)
  check('certificates', item.client_certificate?.id)
}

const explain = (workspace: string | undefined): string =>
  workspace === undefined ? 'which do not exist' : 'which are of another workspace'

const invalid = (sentence: string): Problem =>
  new Problem('snapshot.invalid', 422, `The snapshot cannot be used: ${sentence}`)
