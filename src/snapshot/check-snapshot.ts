import { entities, type Entity, type EntityName } from '../entities/entities.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import type { RadixMap } from '../lib/radix-map.ts'
import { emptySnapshot, listNames, type ListName, type Snapshot } from '../schema/snapshot.ts'
import { listsByEntity, type SnapshotSource } from './build-snapshot.ts'

/** Throws when a reference is broken or leads into another workspace. */
export const checkSnapshot = (snapshot: Snapshot): void =>
  runToCompletion(checkDifferences(emptySnapshot, snapshot, undefined))

/**
 * Checks the differences from a snapshot that was checked: the references of items that were put, and that nobody refers to
 * items that were removed or moved to another workspace. `source` is the configuration of the later snapshot.
 */
export function* checkDifferences(
  before: Snapshot,
  after: Snapshot,
  source: SnapshotSource | undefined,
): CooperativeTask<void> {
  for (const list of listNames) {
    const [was, is]: [RadixMap<Item>, RadixMap<Item>] = [before[list], after[list]]
    if (was.size === 0) {
      for (const item of is.values()) {
        yield
        checkReferences(after, list, item)
      }
      continue
    }
    for (const { before: old, after: item } of was.differencesTo(is)) {
      yield
      if (item !== undefined) checkReferences(after, list, item)
      if (old === undefined || (item !== undefined && old.workspace === item.workspace)) continue
      if (source !== undefined) checkUnreferenced(source, list, old)
    }
  }
}

/** The fields that checks read. Workspaces and CA certificates belong to no workspace. */
type Item = {
  readonly id: string
  readonly workspace?: string
  readonly service?: { readonly id: string } | null
  readonly route?: { readonly id: string } | null
  readonly consumer?: { readonly id: string } | string | null
  readonly consumer_group?: { readonly id: string } | null
  readonly certificate?: { readonly id: string } | null
  readonly client_certificate?: { readonly id: string } | null
}

/** Throws when a reference of an item is broken or leads into another workspace. */
function checkReferences(snapshot: Snapshot, list: ListName, item: Item): void {
  if (item.workspace === undefined) return
  const check = (to: ListName, id: string | undefined): void => {
    if (id === undefined) return
    const found = snapshot[to].get(id)
    const workspace = found !== undefined && 'workspace' in found ? found.workspace : found?.id
    if (workspace === item.workspace) return
    throw broken({ list, id: item.id }, { list: to, id }, workspace)
  }
  check('workspaces', item.workspace)
  check('services', item.service?.id)
  check('routes', item.route?.id)
  check('consumers', typeof item.consumer === 'string' ? item.consumer : item.consumer?.id)
  check('consumer_groups', item.consumer_group?.id)
  check('certificates', item.certificate?.id)
  check('certificates', item.client_certificate?.id)
}

const listed = entities.flatMap((entity: Entity) => {
  const list = (listsByEntity as Partial<Record<EntityName, ListName>>)[entity.name]
  return list === undefined ? [] : [{ entity, list }]
})

/** Throws when an item refers to one that is gone, or is in a workspace that is gone. */
function checkUnreferenced(source: SnapshotSource, list: ListName, gone: Item): void {
  const target = { id: gone.id, workspace: gone.workspace ?? null }
  for (const { entity, list: from } of listed) {
    if (list === 'workspaces' && entity.inWorkspace) {
      for (const { id } of source.inWorkspace(entity.name, gone.id))
        throw broken({ list: from, id }, { list, id: gone.id }, undefined)
    }
    for (const [field, to] of Object.entries(entity.refersTo)) {
      if ((listsByEntity as Partial<Record<string, ListName>>)[to] !== list) continue
      for (const { id } of source.referrers(entity.name, field, target))
        throw broken({ list: from, id }, { list, id: gone.id }, undefined)
    }
  }
}

type ItemRef = { readonly list: ListName; readonly id: string }

const broken = (from: ItemRef, to: ItemRef, workspace: string | undefined): Problem =>
  new Problem(
    'snapshot.invalid',
    422,
    `The snapshot cannot be used: ${from.list} '${from.id}' refers to ${to.list} '${to.id}', ${
      workspace === undefined ? 'which do not exist' : 'which are of another workspace'
    }`,
  )
