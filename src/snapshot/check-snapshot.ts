import { Problem } from '../lib/problem.ts'
import { listNames, type ListName, type Snapshot } from '../schema/snapshot.ts'

/** Throws when a reference is broken or leads into another workspace. */
export function checkSnapshot(snapshot: Snapshot): void {
  for (const list of listNames) {
    if (list === 'workspaces' || list === 'ca_certificates') continue
    for (const item of snapshot[list].values()) checkReferences(snapshot, list, item)
  }
}

type Referring = {
  readonly workspace: string
  readonly service?: { readonly id: string } | null
  readonly route?: { readonly id: string } | null
  readonly consumer?: { readonly id: string } | string | null
  readonly consumer_group?: { readonly id: string } | null
  readonly certificate?: { readonly id: string } | null
  readonly client_certificate?: { readonly id: string } | null
}

/** Throws when a reference of an item is broken or leads into another workspace. */
function checkReferences(
  snapshot: Snapshot,
  list: ListName,
  item: Referring & { readonly id: string },
): void {
  const check = (to: ListName, id: string | undefined): void => {
    if (id === undefined) return
    const found = snapshot[to].get(id)
    const workspace = found !== undefined && 'workspace' in found ? found.workspace : found?.id
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
