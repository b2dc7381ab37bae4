import { Problem } from '../lib/problem.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** Refuses a snapshot in which an id occurs twice, a list is out of order, or a reference leads nowhere or into another workspace. */
export function checkSnapshot(snapshot: Snapshot): void {
  const homes = new Map(lists.map((list) => [list, new Map<string, string>()] as const))
  for (const list of lists) {
    const home = homes.get(list)
    let previous: string | undefined
    for (const item of snapshot[list]) {
      if (previous !== undefined && item.id <= previous)
        throw broken(`${list} are not in order of id`)
      home?.set(item.id, homeOf(item))
      previous = item.id
    }
  }
  for (const list of lists) {
    if (list === 'workspaces') continue
    for (const item of snapshot[list]) checkReferences(list, item, homes)
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

const homeOf = (item: { readonly id: string; readonly workspace?: string }): string =>
  item.workspace ?? item.id

type Homes = ReadonlyMap<List, ReadonlyMap<string, string>>

function checkReferences(
  list: List,
  item: Referring & { readonly id: string },
  homes: Homes,
): void {
  const check = (to: List, id: string | undefined): void => {
    if (id === undefined) return
    const home = homes.get(to)?.get(id)
    if (home === item.workspace) return
    throw broken(`${list} '${item.id}' refers to ${to} '${id}', ${whereIs(home)}`)
  }
  check('workspaces', item.workspace)
  check('services', item.service?.id)
  check('routes', item.route?.id)
  check('consumers', typeof item.consumer === 'string' ? item.consumer : item.consumer?.id)
  check('consumer_groups', item.consumer_group?.id)
  check('certificates', item.certificate?.id)
  check('certificates', item.client_certificate?.id)
}

const whereIs = (home: string | undefined): string =>
  home === undefined ? 'which do not exist' : 'which are of another workspace'

const broken = (sentence: string): Problem =>
  new Problem('snapshot.invalid', 422, `The snapshot cannot be used: ${sentence}`)
