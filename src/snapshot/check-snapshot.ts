import { Problem } from '../lib/problem.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** Refuses a snapshot in which an id occurs twice, a list is out of order, or a reference leads nowhere or into another workspace. */
export function checkSnapshot(snapshot: Snapshot): void {
  const homes = new Map<string, string>()
  for (const list of lists) {
    const ids = snapshot[list].map(({ id }) => id)
    ids.forEach((id, index) => {
      if (index > 0 && id <= (ids[index - 1] ?? '')) throw broken(`${list} are not in order of id`)
    })
    for (const item of snapshot[list]) homes.set(`${list} ${item.id}`, homeOf(item))
  }
  for (const list of lists) {
    if (list === 'workspaces') continue
    for (const item of snapshot[list]) checkReferences(`${list} '${item.id}'`, item, homes)
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

function checkReferences(
  subject: string,
  item: Referring,
  homes: ReadonlyMap<string, string>,
): void {
  const consumer = typeof item.consumer === 'string' ? item.consumer : item.consumer?.id
  const references: readonly (readonly [string, string | undefined])[] = [
    ['workspaces', item.workspace],
    ['services', item.service?.id],
    ['routes', item.route?.id],
    ['consumers', consumer],
    ['consumer_groups', item.consumer_group?.id],
    ['certificates', item.certificate?.id],
    ['certificates', item.client_certificate?.id],
  ]
  for (const [list, id] of references) {
    if (id === undefined) continue
    const home = homes.get(`${list} ${id}`)
    if (home !== item.workspace)
      throw broken(`${subject} refers to ${list} '${id}', ${whereIs(home)}`)
  }
}

const whereIs = (home: string | undefined): string =>
  home === undefined ? 'which do not exist' : 'which are of another workspace'

const broken = (sentence: string): Problem =>
  new Problem('snapshot.invalid', 422, `The snapshot cannot be used: ${sentence}`)
