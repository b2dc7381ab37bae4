import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { addToGroup, groupOf, removeFromGroup, type RadixGroups } from '../../lib/radix-groups.ts'
import { RadixMap, type Difference } from '../../lib/radix-map.ts'

/** The ids of items by what they refer to. */
export type ReverseIndex = RadixGroups<true>

export const emptyIndex: ReverseIndex = RadixMap.empty()

/** Adds the ids of the items that refer to any of these to `touched`. */
export function* touchReferring(
  index: ReverseIndex,
  references: Iterable<{ readonly key: string }>,
  touched: Set<string>,
): CooperativeTask<void> {
  for (const { key } of references) {
    for (const id of groupOf(index, key).keys()) {
      yield
      touched.add(id)
    }
  }
}

/** The index after an item changed. */
export function changeIndex<Item>(
  index: ReverseIndex,
  { key: id, before, after }: Difference<Item>,
  referencesOf: (item: Item) => readonly string[],
): ReverseIndex {
  const old = before === undefined ? [] : referencesOf(before)
  const fresh = after === undefined ? [] : referencesOf(after)
  let changed = index
  for (const one of old) if (!fresh.includes(one)) changed = removeFromGroup(changed, one, id)
  for (const one of fresh) if (!old.includes(one)) changed = addToGroup(changed, one, id, true)
  return changed
}
