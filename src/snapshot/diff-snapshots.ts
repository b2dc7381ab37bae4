import type { Snapshot } from '../schema/snapshot.ts'
import { canonicalText } from '../lib/canonical-text.ts'

/** A difference between two snapshots. */
export type Difference = {
  readonly list: Exclude<keyof Snapshot, 'format'>
  readonly id: string
  readonly kind: 'created' | 'updated' | 'deleted'
  /** Fields that differ, sorted; empty unless updated. */
  readonly fields: readonly string[]
}

type Item = { readonly id: string }

/** The differences from `before` to `after`, by list and id. */
export function diffSnapshots(before: Snapshot, after: Snapshot): Difference[] {
  const lists = Object.keys(after).filter((list) => list !== 'format') as Difference['list'][]
  return lists.flatMap((list) => diffLists(list, before[list], after[list]))
}

function diffLists(
  list: Difference['list'],
  before: readonly Item[],
  after: readonly Item[],
): Difference[] {
  const old = new Map(before.map((item) => [item.id, item]))
  const fresh = new Map(after.map((item) => [item.id, item]))
  const ids = [...new Set([...old.keys(), ...fresh.keys()])].sort()
  return ids.flatMap((id): Difference[] => {
    const was = old.get(id)
    const is = fresh.get(id)
    if (was === undefined) return [{ list, id, kind: 'created', fields: [] }]
    if (is === undefined) return [{ list, id, kind: 'deleted', fields: [] }]
    const fields = differingFields(was, is)
    return fields.length === 0 ? [] : [{ list, id, kind: 'updated', fields }]
  })
}

function differingFields(was: Item, is: Item): string[] {
  const read = (item: Item, field: string): unknown => item[field as keyof Item]
  const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort()
  return fields.filter(
    (field) => canonicalText(read(was, field)) !== canonicalText(read(is, field)),
  )
}
