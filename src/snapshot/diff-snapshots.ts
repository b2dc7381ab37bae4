import type { RadixMap } from '../lib/radix-map.ts'
import { listNames, type ListName, type Snapshot } from '../schema/snapshot.ts'
import { canonicalText } from '../lib/canonical-text.ts'

/** A difference between two snapshots. */
export type Difference = {
  readonly list: ListName
  readonly id: string
  readonly kind: 'created' | 'updated' | 'deleted'
  /** Fields that differ, sorted; empty unless updated. */
  readonly fields: readonly string[]
}

type Item = { readonly id: string }

/** The differences from `before` to `after`, by list and id. */
export const diffSnapshots = (before: Snapshot, after: Snapshot): Difference[] =>
  listNames.flatMap((list) => diffLists(list, before[list], after[list]))

function diffLists(list: ListName, before: RadixMap<Item>, after: RadixMap<Item>): Difference[] {
  return [...before.differencesTo(after)].flatMap(
    ({ key: id, before: was, after: is }): Difference[] => {
      if (was === undefined) return [{ list, id, kind: 'created', fields: [] }]
      if (is === undefined) return [{ list, id, kind: 'deleted', fields: [] }]
      const fields = differingFields(was, is)
      return fields.length === 0 ? [] : [{ list, id, kind: 'updated', fields }]
    },
  )
}

function differingFields(was: Item, is: Item): string[] {
  const read = (item: Item, field: string): unknown => item[field as keyof Item]
  const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort()
  return fields.filter(
    (field) => canonicalText(read(was, field)) !== canonicalText(read(is, field)),
  )
}
